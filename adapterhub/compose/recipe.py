"""A recipe: which adapters are merged, with which weights and methods, module by module where wanted.

    adapters:
      - {adapter: ada/sql@1, weight: 0.7}
      - {adapter: ada/chat, weight: 0.3, modules: {"*.mlp.*": 0.0}}
    method: ties
    set: {density: 0.3}
    rank: 16
    rules:
      - {modules: "*.self_attn.*", method: svd}

Patterns are those of a shell (`*` stands for anything, dots too), matched against whole module paths; the first that
matches holds. An expression is the same recipe with one method and no patterns.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import ConfigDict, Field

from adapterhub.document import Document
from adapterhub.expression import parse

__all__ = ["MEAN", "Operand", "Recipe", "Rule", "of_expression"]

MEAN = "mean"
"""No adapter's, but Σ wᵢ·tᵢ of all, which needs no base where Σ wᵢ = 1: what workers want who trained one task."""

Rank = Annotated[int, Field(ge=1)]
Energy = Annotated[float, Field(gt=0, le=1)]
Weight = Annotated[float, Field(allow_inf_nan=False)]


class Asked(Document):
    """What a person writes: a field that is not known is a mistake, not something to keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Operand(Asked):
    """One adapter: a reference or a folder, its weight, and other weights for modules that match a pattern."""

    adapter: str
    weight: Weight = 1.0
    modules: dict[str, Weight] = Field(default_factory=dict)

    def weight_in(self, module: str) -> float:
        """The weight in one module."""
        return next((weight for pattern, weight in self.modules.items() if fnmatchcase(module, pattern)), self.weight)


class How(Asked):
    """How updates are put together, as far as it is said."""

    method: str | None = None
    set: dict[str, Weight] = Field(default_factory=dict)
    rank: Rank | None = None
    energy: Energy | None = None


class Rule(How):
    """Another way for the modules that match a pattern. With a method of its own nothing is taken from outside."""

    modules: str


class Recipe(How):
    """What is asked of a merge."""

    adapters: tuple[Operand, ...]
    method: str = "sum"
    rules: tuple[Rule, ...] = ()
    choose: str | None = None
    """Whose heads and other whole tensors are kept, where several adapters have their own; `mean`: all, blended."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    def rule_for(self, module: str) -> How:
        """What is asked in one module: the first rule that matches, filled from the recipe itself."""
        return next((self._filled(rule) for rule in self.rules if fnmatchcase(module, rule.modules)), self)

    def _filled(self, rule: Rule) -> How:
        cut = rule if rule.rank or rule.energy else self
        same = rule.method in (None, self.method)
        settings: Mapping[str, float] = {**self.set, **rule.set} if same else rule.set
        return How(method=rule.method or self.method, set=dict(settings), rank=cut.rank, energy=cut.energy)


def of_expression(text: str, **how: object) -> Recipe:
    """The recipe of an expression; `how` are its other fields.

    >>> of_expression("ada/sql*0.7 - ada/rude*0.2", method="ties").adapters[1].weight
    -0.2
    """
    operands = tuple(Operand(adapter=term.word, weight=term.weight) for term in parse(text).terms)
    return Recipe.model_validate({"adapters": operands, **how})

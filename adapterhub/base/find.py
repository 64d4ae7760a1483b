"""Where an adapter's modules lie in a base: by the naming rules, and where need be by slices and ties."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import final

from adapterhub.base.card import Card
from adapterhub.base.names import Naming, match
from adapterhub.base.weights import Weight

__all__ = ["Found", "find"]


@final
@dataclass(frozen=True)
class Found:
    """The naming, and the weight of each module that was found."""

    naming: Naming
    weights: dict[str, Weight]

    @property
    def rule(self) -> str:
        """Every rule that was used: for names, then for what is held otherwise than it is called."""
        rules = dict.fromkeys(weight.rule for weight in self.weights.values() if weight.rule)
        return ", ".join([*([] if self.naming.rule == "identity" and rules else [self.naming.rule]), *rules])


def find(modules: Collection[str], base: Card) -> Found:
    """The modules in a base. Weights that are sliced or shared are looked at only where others do not do."""
    naming = match(modules, base.weights, base.model_type)
    if not naming.missing:
        return Found(naming, {module: base.weights[name] for module, name in naming.targets.items()})
    wide = match(modules, base.reachable, base.model_type)
    if len(wide.targets) > len(naming.targets):
        naming = wide
    return Found(naming, {module: base.reachable[name] for module, name in naming.targets.items()})

"""What a merge would do: found in the headers alone, with every mistake told at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from adapterhub.compose.methods import METHODS
from adapterhub.compose.recipe import MEAN, Recipe
from adapterhub.document import Document
from adapterhub.errors import AdapterHubError
from adapterhub.finding import Finding
from adapterhub.manifest import Parent
from adapterhub.verbs.add import Request
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.gate import gate_together
from adapterhub.verbs.operands import agreed, apart, attempt, find, pin_of, place_of, tell
from adapterhub.verbs.subject import Subject
from adapterhub.verbs.taken import taken

if TYPE_CHECKING:
    from adapterhub.compose.merging.plan import Step
    from adapterhub.lora.adapter import Adapter

__all__ = ["MergePlan", "ModulePlan", "Prepared", "merge_plan", "prepare"]

SERVED = 16
"""vLLM serves adapters up to this rank unless it is told `--max-lora-rank`."""

ROUNDING = 2.0**-24
"""What one rounding into fp32 changes at most, as a part of a number."""


class ModulePlan(Document):
    """What happens in one module: (out, in) of the change, what meets there, and the largest rank of the result."""

    module: str
    shape: tuple[int, int]
    method: str
    ranks: tuple[int, ...]
    weights: tuple[float, ...]
    rank: int


class MergePlan(Document):
    """What a merge would do. `name` is what the result would be called, where that was asked.

    `exact`: nothing is cut, so the error is that of one rounding into fp32, about `expected_error`; what a cut loses is
    known only when it is computed. `parameters`: how many numbers at most. The cost: `flops` in leading terms, bytes
    that are read and at most written, and about how much `memory` beside Python and torch.
    """

    method: str
    rank: int
    exact: bool
    expected_error: float | None = None
    parameters: int
    flops: int = 0
    reads: int = 0
    writes: int = 0
    memory: int = 0
    operands: tuple[dict[str, object], ...]
    modules: tuple[ModulePlan, ...]
    name: str = ""
    findings: tuple[Finding, ...] = ()


@final
@dataclass(frozen=True)
class Prepared:
    """A merge whose plan holds: the parents, the recipe with the chosen one named as it stands there, the steps."""

    parents: list[Subject]
    recipe: Recipe
    steps: "list[Step]"

    @property
    def request(self) -> Request:
        """What is said of the result: its parents, its recipe, and the base all parents agree on."""
        both = zip(self.parents, self.recipe.adapters, strict=True)
        return Request(
            parents=tuple(Parent(digest=one.digest, weight=asked.weight) for one, asked in both),
            recipe=_kept(self.recipe),
            pin=agreed([pin_of(one) for one in self.parents]),
            cards=tuple(sorted({card for one in self.parents for card in one.entry.cards})),
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a person should know before as well as after."""
        return (*apart(self.parents), *_large(self.steps))


def merge_plan(desk: Desk, recipe: Recipe, name: str | None = None, *, misfit: bool = False) -> MergePlan:
    """What would be merged; every mistake is found in the headers, nothing is computed and nothing written."""
    from adapterhub.compose.merging.cost import cost

    target = desk.target(name) if name is not None else None
    ready = prepare(desk, recipe)
    gate_together(desk, [one.label for one in ready.parents], misfit=misfit)
    exact, reads = all(step.exact for step in ready.steps), sum(one.entry.manifest.size for one in ready.parents)
    costs = cost(ready.steps, reads)
    return MergePlan(
        method=recipe.method,
        rank=max(step.rank for step in ready.steps),
        exact=exact,
        expected_error=ROUNDING if exact else None,
        parameters=sum(step.rank * sum(step.shape) for step in ready.steps),
        flops=costs.flops,
        reads=reads,
        writes=costs.writes,
        memory=costs.memory,
        operands=tuple(_operand(*both) for both in zip(ready.parents, recipe.adapters, strict=True)),
        modules=tuple(_module(step) for step in ready.steps),
        name=str(target or ""),
        findings=(*ready.findings, *(taken(desk, target, ready.request) if target else ())),
    )


def prepare(desk: Desk, recipe: Recipe, *, whole: bool = True) -> Prepared:
    """The plan, from headers alone. Raises one error that tells everything that stands in the way.

    whole: whether these are all adapters; where some are left out nothing else is told, and there are no steps.
    """
    from adapterhub.compose.merging.meet import meet
    from adapterhub.compose.merging.plan import check, plan
    from adapterhub.lora.load import outline

    faults: list[AdapterHubError] = []
    found = attempt(lambda one: find(desk, one.adapter), recipe.adapters, faults)
    outlines = attempt(lambda one: one and outline(one.entry, one.label), found, faults)
    there = [place for place, one in enumerate(outlines) if one is not None]
    parents, whole = [one for one in found if one is not None], whole and not faults
    if whole and recipe.choose != MEAN:
        chosen = attempt(lambda choose: place_of(choose, recipe, parents), [recipe.choose], faults)[0]
        recipe = recipe if chosen is None else recipe.model_copy(update={"choose": recipe.adapters[chosen].adapter})
    if faults or not whole:
        rest = recipe.model_copy(update={"adapters": tuple(recipe.adapters[place] for place in there)})
        met = meet([one for one in outlines if one is not None])
        attempt(lambda what: check(what, met, whole=whole, choosing=False), [rest], faults)
        tell(faults)
    return Prepared(parents, recipe, plan(recipe, meet(_told_apart(outlines, parents))) if whole else [])


def _told_apart(outlines: "Sequence[Adapter | None]", parents: Sequence[Subject]) -> "list[Adapter]":
    """Outlines; or the adapters where several carry whole tensors: whether those are the same, only values tell."""
    from adapterhub.lora.load import load_all

    known = [one for one in outlines if one is not None]
    several = sum(bool(one.tensors) for one in known) > 1
    return load_all([(one.entry, one.label) for one in parents]) if several else known


def _operand(one: Subject, asked: Any) -> dict[str, object]:
    return {"reference": one.label, "weight": asked.weight, "rank": one.facts.rank, "digest": one.digest}


def _module(step: "Step") -> ModulePlan:
    return ModulePlan(
        module=step.module,
        shape=step.shape,
        method=step.method,
        ranks=tuple(term.rank for term in step.terms),
        weights=tuple(term.weight for term in step.terms),
        rank=step.rank,
    )


def _kept(recipe: Recipe) -> dict[str, Any]:
    """The recipe as the manifest keeps it: parents by their place, a seed only where something is drawn."""
    seeded = any(METHODS[how.method or recipe.method].seeded for how in (recipe, *recipe.rules))
    fields = {name: value for name, value in recipe.plain().items() if name != "adapters"}
    fields["seed"] = recipe.seed if seeded else None
    if recipe.choose and recipe.choose != MEAN:
        fields["choose"] = [one.adapter for one in recipe.adapters].index(recipe.choose)
    weights = {str(place): dict(one.modules) for place, one in enumerate(recipe.adapters) if one.modules}
    return {name: value for name, value in {**fields, "modules": weights}.items() if value not in (None, {}, [], ())}


def _large(steps: "Sequence[Step]") -> Iterator[Finding]:
    """A rank that servers do not take unless they are told to."""
    rank, most = max(step.rank for step in steps), max(term.rank for step in steps for term in step.terms)
    if rank > max(SERVED, most):
        yield Finding(
            check="rank-large",
            severity="info",
            place="rank",
            message=f"rank {rank} is more than any parent's ({most}); vLLM serves up to {SERVED} unless told otherwise",
            remedy=f"--rank {most} cuts it, and says what that loses",
        )

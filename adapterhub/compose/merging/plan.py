"""What meets where: every mistake of a merge is found here, from headers alone, and all of them are told at once.

A plan is made of outlines: adapters whose tensors have shapes and no values (`lora.load.outline`).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import final

from adapterhub.base.fold import sentence
from adapterhub.compose.lowrank import Limit
from adapterhub.compose.merging.carry import HINT, faults
from adapterhub.compose.methods import METHODS, method_faults, settle
from adapterhub.compose.recipe import How, Recipe
from adapterhub.errors import DoesNotFit, Refused, WrongUsage
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta

__all__ = ["Step", "Term", "check", "plan"]

Outlines = Sequence[Mapping[str, Delta]]
UNITED = "these adapters were trained on different bases and have no sum"


@final
@dataclass(frozen=True)
class Term:
    """One adapter in one module: its place in the recipe, its weight there, its rank there."""

    operand: int
    weight: float
    rank: int


@final
@dataclass(frozen=True)
class Step:
    """What happens in one module. `shape` is (out, in) of the change, `limit` how far the result is cut."""

    module: str
    shape: tuple[int, int]
    terms: tuple[Term, ...]
    method: str
    params: Mapping[str, float]
    limit: Limit
    seed: int = 0

    @property
    def rank(self) -> int:
        """The largest rank the result can have."""
        whole = sum(term.rank for term in self.terms)
        if self.limit.none and METHODS[self.method].seen == "factors":
            return whole  # an exact sum keeps its factors, even where they are more than the weight has directions
        return min(self.limit.rank or whole, *self.shape)

    @property
    def exact(self) -> bool:
        """Whether nothing can be lost but by rounding: a sum of which as many directions are kept as it can have."""
        whole = min(sum(term.rank for term in self.terms), *self.shape)
        return METHODS[self.method].seen == "factors" and (self.limit.none or (self.limit.rank or 0) >= whole)


def plan(recipe: Recipe, adapters: Sequence[Adapter]) -> list[Step]:
    """The steps of a merge, by module, after `check`. adapters: in the order of the recipe; outlines are enough."""
    check(recipe, adapters)
    outlines = [adapter.deltas for adapter in adapters]
    modules = _modules(outlines)
    steps = [step for module in modules if (step := _step(recipe, outlines, module))]
    if not steps:
        why = "every weight is 0" if modules else "no adapter has factors"
        raise WrongUsage(f"nothing to merge: {why}", hint="give at least one adapter a weight other than 0")
    return steps


def check(recipe: Recipe, adapters: Sequence[Adapter], *, whole: bool = True, choosing: bool = True) -> None:
    """One error that tells everything that stands in the way.

    whole: whether these are all adapters, so that a pattern that matches nothing is a mistake. choosing: whether the
    choice is looked at too.
    """
    outlines = [adapter.deltas for adapter in adapters]
    usage = list(_usage(recipe, outlines, whole=whole))
    clashes, left = list(_clashes(outlines)), list(faults(recipe, adapters, choosing=whole and choosing))
    told = "; ".join(usage + clashes + left)
    if usage:
        raise WrongUsage(told, hint="nothing was read or written; `adapterhub merge --help` lists the methods")
    if clashes:
        raise DoesNotFit(told, hint=UNITED)
    if left:
        raise Refused(told, hint=HINT)


def _modules(outlines: Outlines) -> list[str]:
    return sorted({module for outline in outlines for module in outline})


def _step(recipe: Recipe, outlines: Outlines, module: str) -> Step | None:
    here = {place: outline[module] for place, outline in enumerate(outlines) if module in outline}
    weighed = {place: recipe.adapters[place].weight_in(module) for place in here}
    terms = tuple(Term(place, weighed[place], delta.rank) for place, delta in here.items() if weighed[place] != 0.0)
    if not terms:
        return None
    how = recipe.rule_for(module)
    method = str(how.method)
    shape = next(iter(here.values())).shape
    return Step(module, shape, terms, method, settle(method, how.set), _limit(how, terms), recipe.seed)


def _limit(how: How, terms: Sequence[Term]) -> Limit:
    if how.rank or how.energy or METHODS[str(how.method)].full:
        return Limit(how.rank, how.energy)
    return Limit(max(term.rank for term in terms))


def _usage(recipe: Recipe, outlines: Outlines, *, whole: bool) -> Iterator[str]:
    modules = _modules(outlines)
    for how in (recipe, *recipe.rules):
        yield from method_faults(how.method or recipe.method, how.set)
        yield from Limit(how.rank, how.energy).faults()
    for pattern in (rule.modules for rule in recipe.rules if whole):
        if not any(fnmatchcase(module, pattern) for module in modules):
            yield f"the pattern {pattern!r} matches no module of these adapters"
    for one, outline in zip(recipe.adapters, outlines, strict=True):
        for pattern in one.modules:
            if not any(fnmatchcase(module, pattern) for module in outline):
                yield f"the pattern {pattern!r} matches no module of {one.adapter}"
    for one in recipe.adapters:
        if not math.isfinite(one.weight):
            yield f"the weight of {one.adapter} is {one.weight}"
    yield from _counts(recipe)


def _counts(recipe: Recipe) -> Iterator[str]:
    for name in dict.fromkeys(how.method or recipe.method for how in (recipe, *recipe.rules)):
        most = METHODS[name].most if name in METHODS else None
        if most and len(recipe.adapters) > most:
            yield f"{name} takes {most} adapters, got {len(recipe.adapters)}"
        for one in recipe.adapters if most else ():
            if one.weight < 0 or any(weight < 0 for weight in one.modules.values()):
                yield f"{name} takes weights of at least 0, got {one.weight:g} for {one.adapter}"


def _clashes(outlines: Outlines) -> Iterator[str]:
    met: dict[str, dict[str, None]] = {}
    for outline in outlines:
        for module, delta in outline.items():
            met.setdefault(module, {})[_words(delta)] = None
    clashes = {module: list(forms) for module, forms in met.items() if len(forms) > 1}
    if clashes:
        module, forms = next(iter(clashes.items()))
        yield (
            f"the adapters change weights of different shapes at {sentence(clashes)}: "
            f"{module} is {' in one, '.join(forms)} in another"
        )


def _words(delta: Delta) -> str:
    out, into = delta.shape
    return f"{out}×{into}" + (f" ({delta.form})" if str(delta.form) != "linear" else "")

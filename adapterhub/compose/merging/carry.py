"""What a merge does with all that is no product of factors: carried where that has one meaning, refused where not.

shifts              add up with the weights, in the methods that are a weighted sum
biases              stand in place of the base's: b₀ + Σ wᵢ(bᵢ − b₀) needs no base only where Σ wᵢ = 1
rows                stand in place of single rows of the base: at weight 1, and each of one adapter only
tensors             stand in place of the base's too: one adapter's, chosen by name where several have them;
                    or, asked for by `choose: mean`, as the biases
magnitudes, gains   change the base's own weight, so without the base they have no sum
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.base.fold import sentence
from adapterhub.compose import choice
from adapterhub.compose.methods import METHODS
from adapterhub.compose.recipe import MEAN, Operand, Recipe
from adapterhub.errors import Refused
from adapterhub.lora.adapter import Adapter, Rows
from adapterhub.lora.delta import wide

__all__ = ["HINT", "carry", "faults"]

HINT = "fuse them into the base instead, where each has its meaning"
LINEAR = tuple(name for name, row in METHODS.items() if row.linear)


@final
@dataclass(frozen=True)
class Part:
    """An adapter of a merge, and what the recipe says of it."""

    asked: Operand
    adapter: Adapter


def carry(recipe: Recipe, adapters: Sequence[Adapter]) -> Adapter:
    """The shifts, biases, rows and tensors of the result; `Refused` with all that cannot be carried."""
    if found := list(faults(recipe, adapters)):
        raise Refused("; ".join(found), hint=HINT)
    parts = _on(recipe, adapters)
    tensors = _mean(parts) if recipe.choose == MEAN else _chosen(recipe, parts)
    return Adapter(shifts=_added(parts, "shifts"), biases=_added(parts, "biases"), rows=_united(parts), tensors=tensors)


def faults(recipe: Recipe, adapters: Sequence[Adapter], *, choosing: bool = True) -> Iterator[str]:
    """Everything that cannot be carried, and what is wrong with the choice; outlines are enough."""
    parts = _on(recipe, adapters)
    yield from _needing_base(parts)
    yield from _shift_faults(recipe, parts)
    yield from _bias_faults(parts)
    yield from _row_faults(parts)
    if choosing:
        yield from _owner_faults(recipe, parts)


def _chosen(recipe: Recipe, parts: Sequence[Part]) -> Mapping[str, Tensor]:
    """The whole tensors of one adapter."""
    name = choice.chosen(_carriers(parts, recipe.choose), recipe.choose)
    return next((part.adapter.tensors for part in parts if part.asked.adapter == name), {})


def _mean(parts: Sequence[Part]) -> dict[str, Tensor]:
    """Σ wᵢ·tᵢ by tensor, summed in fp32 or wider."""
    found: dict[str, Tensor] = {}
    for name, tensor in ((name, tensor) for part in parts for name, tensor in part.adapter.tensors.items()):
        there = [(part.asked.weight, part.adapter.tensors[name]) for part in parts if name in part.adapter.tensors]
        found.setdefault(name, sum((w * one.to(wide(one)) for w, one in there), torch.zeros(())).to(tensor.dtype))
    return found


def _mean_faults(parts: Sequence[Part]) -> Iterator[str]:
    for name in dict.fromkeys(name for part in parts for name in part.adapter.tensors):
        there = [part for part in parts if name in part.adapter.tensors]
        if len({part.adapter.tensors[name].shape for part in there}) > 1:
            told = (f"{part.asked.adapter} {list(part.adapter.tensors[name].shape)}" for part in there)
            yield f"{name} has no mean, since its shapes differ: {', '.join(told)}"
        elif not math.isclose(total := sum(part.asked.weight for part in there), 1.0, abs_tol=1e-9):
            yield f"{name} has a mean only where the weights of those that have it add up to 1, not {total:g}"


def _on(recipe: Recipe, adapters: Sequence[Adapter]) -> list[Part]:
    """The adapters that have a say."""
    both = zip(recipe.adapters, adapters, strict=True)
    return [Part(one, adapter) for one, adapter in both if one.weight or any(one.modules.values())]


def _needing_base(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        if loose := [module for module, delta in part.adapter.deltas.items() if delta.loose]:
            yield f"{part.asked.adapter} is VeRA, whose factors at {sentence(loose)} are as wide as the base says"
        if grouped := [module for module, delta in part.adapter.deltas.items() if delta.groups > 1]:
            yield f"{part.asked.adapter} changes convolutions in groups at {sentence(grouped)}, which a merge would mix"
        for field, words in (("magnitudes", "DoRA magnitudes"), ("gains", "IA3 vectors")):
            if there := getattr(part.adapter, field):
                yield f"{part.asked.adapter} has {words} at {sentence(there)}, which have no sum without the base"


def _shift_faults(recipe: Recipe, parts: Sequence[Part]) -> Iterator[str]:
    for module in dict.fromkeys(module for part in parts for module in part.adapter.shifts):
        if (method := recipe.rule_for(module).method) not in LINEAR:
            yield f"there are biases of B at {module}, which {method} does not merge: only {' and '.join(LINEAR)} do"
            return


def _bias_faults(parts: Sequence[Part]) -> Iterator[str]:
    for module in dict.fromkeys(module for part in parts for module in part.adapter.biases):
        weights = [part.asked.weight_in(module) for part in parts if module in part.adapter.biases]
        if any(weights) and not math.isclose(sum(weights), 1.0, abs_tol=1e-9):
            yield (
                f"biases stand in place of the base's at {module}, and the weights of the adapters that have one "
                f"add up to {sum(weights):g}: only where that is 1 is the base's own not needed"
            )
            return


def _carriers(parts: Sequence[Part], choose: str | None) -> dict[str, float]:
    """The weights of those that carry whole tensors; of several with the same tensors, one."""
    carriers = {part.asked.adapter: part for part in parts if part.adapter.tensors}
    weights = {name: part.asked.weight for name, part in carriers.items()}
    return choice.distinct(weights, {name: part.adapter.tensors for name, part in carriers.items()}, choose)


def _row_faults(parts: Sequence[Part]) -> Iterator[str]:
    owners: dict[tuple[str, int], str] = {}
    for part in parts:
        for module, rows in part.adapter.rows.items():
            name, weight = part.asked.adapter, part.asked.weight_in(module)
            if weight not in (0.0, 1.0):
                yield f"{name} has trained tokens at {module}, which at a weight of {weight:g} need the base"
            for index in rows.indices if weight else ():
                if (other := owners.setdefault((module, index), name)) is not name:
                    yield f"{other} and {name} both trained token {index} of {module}"
                    return


def _united(parts: Sequence[Part]) -> dict[str, Rows]:
    """The trained tokens of all, by embedding."""
    found: dict[str, list[Rows]] = {}
    for part in parts:
        for module, rows in part.adapter.rows.items():
            if part.asked.weight_in(module):
                found.setdefault(module, []).append(rows)
    return {
        module: Rows(tuple(i for rows in some for i in rows.indices), torch.cat([rows.values for rows in some]))
        for module, some in found.items()
    }


def _owner_faults(recipe: Recipe, parts: Sequence[Part]) -> Iterator[str]:
    if recipe.choose == MEAN:
        yield from _mean_faults(parts)
        return
    what = sentence({name for part in parts for name in part.adapter.tensors})
    names = [one.adapter for one in recipe.adapters]
    yield from choice.faults(_carriers(parts, recipe.choose), recipe.choose, names, what or "whole tensors")


def _added(parts: Sequence[Part], field: str) -> dict[str, Tensor]:
    """Σ wᵢ·vᵢ by module, in fp32 or wider."""
    sums: dict[str, Tensor] = {}
    for part in parts:
        vectors: Mapping[str, Tensor] = getattr(part.adapter, field)
        for module, vector in vectors.items():
            if not (weight := part.asked.weight_in(module)):
                continue
            term = weight * vector.to(wide(vector))
            sums[module] = sums[module] + term if module in sums else term
    return sums

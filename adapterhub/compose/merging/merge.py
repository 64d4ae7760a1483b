"""Adapters into one adapter: each module by its method, with the error told exactly.

    wanted   what the method defines, in float64 (elements of ΔW in fp32)
    got      the factors as they are written: cut to the rank asked for, rounded once into fp32

The only sums over elements are GEMMs and sums of fixed order, so the same input gives the same bytes on one machine.
"""

import importlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from torch import Tensor

from adapterhub.compose.lowrank import Truncated, cut_factors, cut_matrix, cut_triplets
from adapterhub.compose.merging.core import share
from adapterhub.compose.merging.elements import Setting, combine, of_deltas, of_tensor
from adapterhub.compose.merging.plan import Step
from adapterhub.compose.methods import METHODS
from adapterhub.compose.rows import key_of
from adapterhub.errors import Refused
from adapterhub.lora.delta import Delta
from adapterhub.lora.thin import core

__all__ = ["Merged", "merge", "merge_module", "relative_error"]


@final
@dataclass(frozen=True)
class Merged:
    """One module of a result: A (k, in) and B (out, k) in fp32 with the scale inside B, ‖wanted‖ and ‖wanted − got‖.

    `wanted` is what the method defines, after it has dropped what it drops. emptied: whether that was everything.
    """

    A: Tensor
    B: Tensor
    wanted: float
    missed: float
    emptied: bool = False


def merge(steps: Sequence[Step], adapters: Sequence[Mapping[str, Delta]]) -> Iterator[tuple[Step, Merged]]:
    """The modules of a plan one after another; an adapter is what `load` gives for its place in the expression."""
    for step in steps:
        yield step, merge_module(step, [adapters[term.operand][step.module] for term in step.terms])


def merge_module(step: Step, deltas: Sequence[Delta]) -> Merged:
    """One module. deltas: those of its terms, in their order."""
    for term, delta in zip(step.terms, deltas, strict=True):
        if not (torch.isfinite(delta.A).all() and torch.isfinite(delta.B).all()):
            raise Refused(
                f"{step.module}: the factors of adapter {term.operand + 1} hold NaN or infinity",
                hint="its training diverged: take an earlier checkpoint, or leave it out",
            )
    if not any(bool(delta.B.any()) and bool(delta.A.any()) for delta in deltas):
        return _nothing(step)
    # Weights near the ends of what a float can hold would make norms overflow or vanish: the largest is taken out.
    peak = max(abs(term.weight) for term in step.terms)
    weights = torch.tensor([term.weight / peak for term in step.terms], dtype=torch.float64)
    cut = SEEN[METHODS[step.method].seen](step, deltas, weights)
    size = 1.0 if METHODS[step.method].vote else peak  # a vote is a weighted mean, whatever the size of the weights
    result = _rounded(step, cut, size * step.params.get("scale", 1.0))
    return replace(result, emptied="density" in step.params and not result.wanted)


def _nothing(step: Step) -> Merged:
    """The result of untrained adapters: factors of rank 1 whose product is 0."""
    out, into = step.shape
    return Merged(torch.zeros(1, into), torch.zeros(out, 1), 0.0, 0.0)


def _factors(step: Step, deltas: Sequence[Delta], weights: Tensor) -> Truncated:
    A = torch.cat([delta.A.double() for delta in deltas], 0)
    B = torch.cat([delta.B.double() * (w * delta.scale) for w, delta in zip(weights, deltas, strict=True)], 1)
    if step.limit.none:
        return Truncated(A, B, float(torch.linalg.norm(core(B, A))) ** 2, 0.0)
    return cut_factors(B, A, step.limit)


def _core(step: Step, deltas: Sequence[Delta], weights: Tensor) -> Truncated:
    space = share(deltas)
    settings = {key: value for key, value in step.params.items() if key != "scale"}
    merged = _function(METHODS[step.method].function)(space.cores, weights, **settings)
    if isinstance(merged, tuple):
        P, S, Qt = merged
        return cut_triplets(space.U @ P, S, Qt @ space.V.T, step.limit)
    return cut_factors(space.U @ merged, space.V.T, step.limit)


def _updates(step: Step, deltas: Sequence[Delta], weights: Tensor) -> Truncated:
    return cut_matrix(combine(of_deltas(deltas), weights, _setting(step)), step.limit, key_of(step.module))


def _cores(step: Step, deltas: Sequence[Delta], weights: Tensor) -> Truncated:
    space = share(deltas)
    merged = combine(of_tensor(space.cores), weights, _setting(step)).double()
    return cut_factors(space.U @ merged, space.V.T, step.limit)


def _aligned(step: Step, deltas: Sequence[Delta], weights: Tensor) -> Truncated:
    """[ΔW₁ … ΔWₙ] = U·S·[V₁ᵀ … Vₙᵀ]; the Vᵢᵀ are merged, and U·S put before them."""
    space = share(deltas)
    S = torch.linalg.norm(space.cores, dim=(0, 2))
    aligned = space.cores / S[:, None] @ space.V.T
    merged = combine(of_tensor(aligned), weights, _setting(step)).double()
    return cut_factors(space.U * S, merged, step.limit)


SEEN: dict[str, Callable[[Step, Sequence[Delta], Tensor], Truncated]] = {
    "factors": _factors,
    "core": _core,
    "updates": _updates,
    "cores": _cores,
    "aligned": _aligned,
}


def _setting(step: Step) -> Setting:
    row = METHODS[step.method]
    return Setting(_function(row.function), row.vote, step.params, step.seed, step.module)


def _function(place: str) -> Callable[..., Any]:
    file, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"adapterhub.compose.merging.{file}"), name)
    return found


def _rounded(step: Step, cut: Truncated, scale: float) -> Merged:
    """The factors in fp32, the scale taken into B; the error holds both the cut and the rounding."""
    exact_b = cut.B * scale
    A, B = cut.A.float().contiguous(), exact_b.float().contiguous()
    if not (torch.isfinite(A).all() and torch.isfinite(B).all()):
        raise Refused(
            f"{step.module}: the result holds more than fp32 can hold",
            hint="a weight is far too large: weights are factors, 1 unless given",
        )
    wanted, rounding = math.sqrt(cut.wanted), _distance((cut.A, exact_b), (A, B)) / abs(scale) if scale else 0.0
    if wanted > 0 and not float(B.abs().max()) > 0:
        raise Refused(
            f"{step.module}: the result is too small for fp32 and would be all zero",
            hint="a weight is far too small: weights are factors, 1 unless given",
        )
    missed = math.hypot(math.sqrt(cut.missed), rounding)
    # Where the terms cancel to nothing, what is left is float64's own noise, and its ratio would say nothing.
    noise = 1e-14 * float(torch.linalg.norm(cut.A) * torch.linalg.norm(cut.B))
    return Merged(A, B, max(wanted, noise) * abs(scale), (missed if missed > noise else 0.0) * abs(scale))


def relative_error(modules: Iterable[Merged]) -> float:
    """‖wanted − got‖ / ‖wanted‖ over all modules; 0 where nothing was wanted."""
    wanted = missed = 0.0
    for one in modules:
        wanted, missed = math.hypot(wanted, one.wanted), math.hypot(missed, one.missed)
    return missed / wanted if wanted else 0.0


def _distance(exact: tuple[Tensor, Tensor], got: tuple[Tensor, Tensor]) -> float:
    """‖B·A − B'·A'‖ in float64 = ‖(B − B')·A + B'·(A − A')‖: written so, no large numbers cancel."""
    (A, B), (near_a, near_b) = exact, (factor.double() for factor in got)
    if torch.equal(A, near_a):
        return float(torch.linalg.norm(core(B - near_b, A)))
    return float(torch.linalg.norm(core(torch.cat([B - near_b, near_b], 1), torch.cat([A, A - near_a], 0))))

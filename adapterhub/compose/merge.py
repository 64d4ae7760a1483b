"""Adapters into one adapter, exactly.

    ΔW = Σ wᵢ·sᵢ·Bᵢ·Aᵢ = [w₁s₁B₁ w₂s₂B₂ …] · [A₁; A₂; …]

The factors are laid side by side, the weights and scales multiplied into B, the only rounding is the last one into
fp32. The rank is Σ rᵢ. Elementwise products only, so the same input gives the same bytes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from adapterhub.compose.methods import check_shapes, check_weights
from adapterhub.errors import Refused
from adapterhub.lora.delta import Delta, core

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Merged", "weighted_sum"]

Part = tuple[Mapping[str, Delta], float]
Term = tuple[float, Delta]


@final
@dataclass(frozen=True)
class Merged:
    """A finished merge: `factors` are {module: (A (R, in), B (out, R))} in fp32 with the scale inside B.

    `relative_error` is ‖wanted − got‖ / ‖wanted‖ over all modules.
    """

    factors: "dict[str, tuple[NDArray[Any], NDArray[Any]]]"
    relative_error: float


def weighted_sum(parts: Sequence[Part]) -> Merged:
    """The exact sum of weighted adapters, whatever their ranks and targets; those of weight 0 leave no trace."""
    terms = _meet(_active(parts))
    factors, wanted, missed, reach = {}, 0.0, 0.0, 0.0
    for module in sorted(terms):
        exact_a, exact_b = _stacked(terms[module])
        A, B = exact_a.float(), exact_b.float()
        _finite(module, A, B)
        size, error = _lengths((exact_a, exact_b), (A, B))
        wanted, missed = math.hypot(wanted, size), math.hypot(missed, error)
        reach = math.hypot(reach, float(exact_a.norm() * exact_b.norm()))
        factors[module] = (A.contiguous().numpy(), B.contiguous().numpy())
    # Where the terms cancel to nothing, what is left is float64's own noise, and its ratio would say nothing.
    noise = 1e-14 * reach
    return Merged(factors, 0.0 if missed <= noise else missed / max(wanted, noise))


def _active(parts: Sequence[Part]) -> list[Part]:
    check_weights([weight for _, weight in parts])
    return [part for part in parts if part[1] != 0.0]


def _meet(parts: Sequence[Part]) -> dict[str, list[Term]]:
    """What meets in each module, all shapes checked before anything is computed."""
    check_shapes({module: delta.shape for module, delta in deltas.items()} for deltas, _ in parts)
    terms: dict[str, list[Term]] = {}
    for deltas, weight in parts:
        for module, delta in deltas.items():
            terms.setdefault(module, []).append((weight, delta))
    return terms


def _stacked(rows: Sequence[Term]) -> tuple[Tensor, Tensor]:
    """A (R, in) and B (out, R) in float64, where products of two fp32 factors and their scale lose nothing seen."""
    A = torch.cat([delta.A.detach().double().cpu() for _, delta in rows], 0)
    B = torch.cat([delta.B.detach().double().cpu() * (weight * delta.scale) for weight, delta in rows], 1)
    return A, B


def _finite(module: str, A: Tensor, B: Tensor) -> None:
    if not (torch.isfinite(A).all() and torch.isfinite(B).all()):
        raise Refused(
            f"{module}: the sum holds NaN, infinity or more than fp32 can hold",
            hint="one of the adapters is broken, or a weight is far too large; merge them one by one to find it",
        )


def _lengths(exact: tuple[Tensor, Tensor], got: tuple[Tensor, Tensor]) -> tuple[float, float]:
    """‖wanted‖ and ‖wanted − got‖, from the factors, in float64.

    B·A − B'·A' = (B − B')·A + B'·(A − A'): written so, no large numbers cancel.
    """
    (A, B), (near_a, near_b) = exact, (factor.double() for factor in got)
    if torch.equal(A, near_a):
        off = core(B - near_b, A)
    else:
        off = core(torch.cat([B - near_b, near_b], 1), torch.cat([A, A - near_a], 0))
    return float(torch.linalg.norm(core(B, A))), float(torch.linalg.norm(off))

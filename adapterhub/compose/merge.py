"""Adapters into one adapter, exactly.

    ΔW = Σ wᵢ·sᵢ·Bᵢ·Aᵢ = [w₁s₁B₁ w₂s₂B₂ …] · [A₁; A₂; …]

The factors are laid side by side, the weights and scales multiplied into B, the only rounding is the last one into
fp32. The rank is Σ rᵢ. Elementwise products only, so the same input gives the same bytes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, final

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
Factors = tuple[Tensor, Tensor]


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
    units = _units(terms.values())
    factors, wanted, missed, reach, alive = {}, 0.0, 0.0, 0.0, False
    for module in sorted(terms):
        exact = _stacked(terms[module])
        A, B = got = exact[0].float(), exact[1].float()
        _finite(module, A, B)
        exact, near = _measured(exact, units), _measured(got, units)
        wanted = math.hypot(wanted, float(torch.linalg.norm(core(exact[1], exact[0]))))
        missed = math.hypot(missed, _distance(exact, near))
        reach = math.hypot(reach, float(exact[0].norm() * exact[1].norm()))
        alive = alive or _is_alive(A, B)
        factors[module] = (A.contiguous().numpy(), B.contiguous().numpy())
    if not alive and any(d.scale and _is_alive(d.A, d.B) for module in terms.values() for _, d in module):
        _vanished([weight for _, weight in parts])
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


def _stacked(rows: Sequence[Term]) -> Factors:
    """A (R, in) and B (out, R) in float64, where products of two fp32 factors and their scale lose nothing seen."""
    A = torch.cat([delta.A.detach().double().cpu() for _, delta in rows], 0)
    B = torch.cat([delta.B.detach().double().cpu() * (weight * delta.scale) for weight, delta in rows], 1)
    return A, B


def _units(terms: Iterable[Sequence[Term]]) -> tuple[float, float]:
    """Powers of two as large as the largest number in any A and in any B with its weight: lengths are told in these.

    Squares of what a weight of 1e-300 leaves would be nothing even in float64.
    """
    rows = [row for module in terms for row in module if row[1].A.numel() and row[1].B.numel()]
    largest_a = max((float(delta.A.abs().max()) for _, delta in rows), default=0.0)
    largest_b = max((abs(weight * delta.scale) * float(delta.B.abs().max()) for weight, delta in rows), default=0.0)
    return math.ldexp(1.0, math.frexp(largest_a)[1] - 1), math.ldexp(1.0, math.frexp(largest_b)[1] - 1)


def _measured(factors: Factors, units: tuple[float, float]) -> Factors:
    return factors[0].double() / units[0], factors[1].double() / units[1]


def _is_alive(A: Tensor, B: Tensor) -> bool:
    """Whether one of the terms of B·A is not zero."""
    return bool(((A != 0).any(1) & (B != 0).any(0)).any())


def _vanished(weights: Sequence[float]) -> NoReturn:
    largest = max(map(abs, weights))
    raise Refused(
        f"nothing is left of the sum: its factors are all zero in fp32, the largest weight is {largest:g}",
        hint="give larger weights: fp32 ends at 1e-45",
    )


def _finite(module: str, A: Tensor, B: Tensor) -> None:
    if not (torch.isfinite(A).all() and torch.isfinite(B).all()):
        raise Refused(
            f"{module}: the sum holds NaN, infinity or more than fp32 can hold",
            hint="one of the adapters is broken, or a weight is far too large; merge them one by one to find it",
        )


def _distance(exact: Factors, got: Factors) -> float:
    """‖B·A − B'·A'‖ from the factors, in float64.

    B·A − B'·A' = (B − B')·A + B'·(A − A'): written so, no large numbers cancel.
    """
    (A, B), (near_a, near_b) = exact, got
    if torch.equal(A, near_a):
        off = core(B - near_b, A)
    else:
        off = core(torch.cat([B - near_b, near_b], 1), torch.cat([A, A - near_a], 0))
    return float(torch.linalg.norm(off))

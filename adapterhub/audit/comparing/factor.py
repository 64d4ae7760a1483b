"""The updates of one weight, each factored once, all side by side.

    ΔWᵢ = Uᵢ·diag(Sᵢ)·Vᵢᵀ        Uᵢ: (out, pᵢ)    Sᵢ: (pᵢ,)    Vᵢ: (in, pᵢ)

pᵢ is how many directions the update really has, so what is computed from these hangs on the update alone and not on
how it is factored. Everything is float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from torch import Tensor

from adapterhub.lora.delta import Delta
from adapterhub.lora.thin import thin

__all__ = ["NOISE", "Directions", "directions"]

NOISE = 1e-6
"""Singular values below this part of the largest are rounding of fp32 factors, not directions of an update."""

CHUNK = 256
"""Columns of a product of a matrix with itself that are computed at once; half of the rest is known by symmetry."""


@final
@dataclass(frozen=True)
class Directions:
    """Several updates of one weight. U: (out, R)    S: (R,)    V: (in, R)    R = Σ pᵢ; `counts` are the pᵢ."""

    U: Tensor
    S: Tensor
    V: Tensor
    counts: tuple[int, ...]

    @cached_property
    def owner(self) -> Tensor:
        """Whose direction each of the R is."""
        return torch.repeat_interleave(torch.arange(len(self.counts)), torch.tensor(self.counts))

    @cached_property
    def outer(self) -> Tensor:
        """UᵀU: (R, R)"""
        return _with_itself(self.U)

    @cached_property
    def inner(self) -> Tensor:
        """VᵀV: (R, R)"""
        return _with_itself(self.V)

    def per_pair(self, matrix: Tensor) -> Tensor:
        """The sums over each pair's block of an (R, R) matrix: (n, n)"""
        count = len(self.counts)
        rows = matrix.new_zeros(count, matrix.shape[1]).index_add_(0, self.owner, matrix)
        return matrix.new_zeros(count, count).index_add_(1, self.owner, rows)

    def slots(self, place: int) -> slice:
        """Where an update's directions stand among the R."""
        start = sum(self.counts[:place])
        return slice(start, start + self.counts[place])


def directions(deltas: Sequence[Delta | None], shape: tuple[int, int]) -> Directions:
    """The singular directions of updates of one weight (out, in); an update that is zero, or not there, has none."""
    nothing = tuple(torch.zeros(*size, 0, dtype=torch.float64) for size in ((shape[0],), (), (shape[1],)))
    found = [nothing if delta is None else _factored(delta) for delta in deltas]
    U, S, V = (torch.cat(parts, -1) for parts in zip(*found, strict=True))
    return Directions(U, S, V, tuple(len(one[1]) for one in found))


def _factored(delta: Delta) -> tuple[Tensor, Tensor, Tensor]:
    """U, S, V of s·B·A: with B = Q_B·R_B and Aᵀ = Q_A·R_A its singular values are those of s·R_B·R_Aᵀ."""
    B, A = delta.B.double() * delta.scale, delta.A.double()
    left, right = thin(B), thin(A.T)
    P, S, Qt = torch.linalg.svd(left.R @ right.R.T, full_matrices=False)
    count = int((NOISE * S[0] < S).sum()) if len(S) else 0
    return B @ (left.T @ P[:, :count]), S[:count], A.T @ (right.T @ Qt[:count].T)


def _with_itself(tall: Tensor) -> Tensor:
    """tallᵀ·tall"""
    width = tall.shape[1]
    product = tall.new_empty(width, width)
    for start in range(0, width, CHUNK):
        end = min(width, start + CHUNK)
        product[start:end, start:] = tall[:, start:end].T @ tall[:, start:]
        product[end:, start:end] = product[start:end, end:].T
    return product

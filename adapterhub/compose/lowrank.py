"""The best factors of a given rank, and exactly what they leave out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.compose.rows import blocks
from adapterhub.lora.thin import thin

__all__ = ["Limit", "Truncated", "cut_factors", "cut_matrix", "cut_triplets"]

EXACT = 384
"""Up to this side a full SVD is cheap enough."""

ROUNDS = 6


@final
@dataclass(frozen=True)
class Limit:
    """How far an update is cut: to a rank, or to the fewest directions that keep this part of ‖ΔW‖²; or not at all."""

    rank: int | None = None
    energy: float | None = None

    @property
    def none(self) -> bool:
        """Whether nothing is cut."""
        return self.rank is None and self.energy is None

    def faults(self) -> Iterator[str]:
        """What makes no sense in it."""
        if self.rank is not None and self.energy is not None:
            yield f"both a rank ({self.rank}) and an energy ({self.energy}) are given: one of them decides"
        if self.rank is not None and self.rank < 1:
            yield f"the rank is {self.rank}: it is 1 or more"
        if self.energy is not None and not 0 < self.energy <= 1:
            yield f"the energy is {self.energy}: it is above 0 and at most 1"

    def count(self, squares: Tensor, total: float) -> int:
        """How many of these squared singular values, in falling order, are kept; at least one."""
        if self.energy is not None:
            reached = squares.cumsum(0) >= self.energy * total * (1 - 1e-12)
            return int(reached.nonzero()[0]) + 1 if bool(reached.any()) else len(squares)
        there = max(1, int((squares > 1e-28 * squares[0]).sum())) if len(squares) else 0
        return min(there, self.rank or there)


@final
@dataclass(frozen=True)
class Truncated:
    """A (k, in), B (out, k) in float64, ‖wanted‖² and ‖wanted − B·A‖²."""

    A: Tensor
    B: Tensor
    wanted: float
    missed: float


def cut_factors(B: Tensor, A: Tensor, limit: Limit) -> Truncated:
    """The best approximation of B·A (Eckart and Young 1936, https://doi.org/10.1007/BF02288367), never making B·A.

    With B = Q_B·R_B and Aᵀ = Q_A·R_A the singular values of B·A are those of R_B·R_Aᵀ; what is dropped is the error.
    """
    left, right = thin(B), thin(A.T)
    if not left.R.shape[0] or not right.R.shape[0]:
        return Truncated(A.new_zeros(1, A.shape[1]), B.new_zeros(B.shape[0], 1), 0.0, 0.0)
    P, S, Qt = torch.linalg.svd(left.R @ right.R.T, full_matrices=False)
    kept = _cut(left.T @ P, S, Qt @ right.T.T, limit)
    return Truncated(kept.A @ A, B @ kept.B, kept.wanted, kept.missed)


def cut_triplets(P: Tensor, S: Tensor, Qt: Tensor, limit: Limit) -> Truncated:
    """The first of given triplets, in their order. P: (out, k)    S: (k,)    Qt: (k, in)"""
    return _cut(P, S, Qt, limit)


def cut_matrix(matrix: Tensor, limit: Limit, seed: int = 0) -> Truncated:
    """The approximation of a dense matrix. Small ones by SVD, others by block power iteration on a random sketch.

    The error is exact for the factors that are returned: ‖M‖² − ‖QᵀM‖² plus what is dropped of QᵀM.
    Halko, Martinsson and Tropp 2011, https://arxiv.org/abs/0909.4061
    """
    wanted = sum(float((matrix[start:end].double() ** 2).sum()) for start, end in blocks(len(matrix)))
    if min(matrix.shape) <= EXACT:
        P, S, Qt = torch.linalg.svd(matrix.double(), full_matrices=False)
        return _cut(P, S, Qt, limit)
    width = (limit.rank or 32) + 16
    while True:
        P, S, Qt = _sketch(matrix, min(width, *matrix.shape), seed)
        short = limit.energy is not None and float((S**2).sum()) < limit.energy * wanted
        if not short or width >= min(matrix.shape):
            return _cut(P, S, Qt, limit, wanted)
        width *= 2


def _sketch(matrix: Tensor, width: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """The leading singular triplets; the sketch is drawn from the seed alone."""
    guess = torch.randn(matrix.shape[1], width, generator=torch.Generator().manual_seed(seed), dtype=matrix.dtype)
    basis = _columns(matrix @ guess)
    for _ in range(ROUNDS):
        basis = _columns(matrix @ _columns(matrix.T @ basis))
    near = torch.linalg.qr(basis.double()).Q
    # The last projection in fp64: the error is a difference, and would be lost in fp32's noise where it is small.
    inner = torch.zeros(near.shape[1], matrix.shape[1], dtype=torch.float64)
    for start, end in blocks(len(matrix)):
        inner += near[start:end].T @ matrix[start:end].double()
    P, S, Qt = torch.linalg.svd(inner, full_matrices=False)
    return near @ P, S, Qt


def _columns(tall: Tensor) -> Tensor:
    columns: Tensor = torch.linalg.qr(tall).Q
    return columns


def _cut(P: Tensor, S: Tensor, Qt: Tensor, limit: Limit, wanted: float | None = None) -> Truncated:
    """The first triplets, each root of S on one side. `wanted`: ‖M‖², where it is more than these have."""
    squares = S**2
    total = float(squares.sum()) if wanted is None else wanted
    count = limit.count(squares, total)
    root = S[:count].sqrt() * _signs(P[:, :count])
    # What is left out is summed itself where all is known: a difference of large numbers would lose it.
    missed = float(squares[count:].sum()) if wanted is None else max(0.0, total - float(squares[:count].sum()))
    return Truncated(Qt[:count] * root[:, None], P[:, :count] * root, total, missed)


def _signs(P: Tensor) -> Tensor:
    """The sign that makes the largest entry of each column positive, so equal updates get equal factors."""
    peaks = P.gather(0, P.abs().argmax(0, keepdim=True))[0]
    return torch.where(peaks < 0, -1.0, 1.0).to(P.dtype)

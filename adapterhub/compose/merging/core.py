"""The space all updates of one module share: small, lossless, and the same however each update is factored.

    ΔWᵢ = U·Mᵢ·Vᵀ        U: (out, p)    Mᵢ: (p, q)    V: (in, q)    p, q ≤ R = Σ rᵢ

U holds the left singular vectors of [ΔW₁ … ΔWₙ], V the right ones of the ΔWᵢ stacked. Both come from the
stacked factors and the SVD of a small core, so no ΔW is ever made. Singular vectors of the factors themselves, which
Core Space (Panariello et al. 2025, https://arxiv.org/abs/2509.17786) takes, would depend on the factorisation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.lora.delta import Delta
from adapterhub.lora.thin import thin

__all__ = ["NOISE", "Space", "share"]

NOISE = 1e-6
"""Singular values below this part of the largest are rounding of fp32 factors, not directions of an update."""


@final
@dataclass(frozen=True)
class Space:
    """Several updates in common coordinates, all in float64. `cores`: (n, p, q)."""

    U: Tensor
    V: Tensor
    cores: Tensor


def share(deltas: Sequence[Delta]) -> Space:
    """The common space of updates of one weight."""
    B = torch.cat([delta.B.double() * delta.scale for delta in deltas], 1)
    A = torch.cat([delta.A.double() for delta in deltas], 0)
    left, right = thin(B), thin(A.T)
    raw = torch.stack([left.R[:, slot] @ right.R[:, slot].T for slot in _slots(deltas)])
    # Each at length 1: a small update beside a large one has its own directions, and they are no noise.
    lengths = torch.linalg.norm(raw, dim=(1, 2), keepdim=True)
    even = raw / torch.where(lengths > 0, lengths, 1.0)
    P, Q = _directions(_beside(even)), _directions(_below(even))
    inner = P.T @ raw @ Q
    P, Q = P @ torch.linalg.svd(_beside(inner)).U, Q @ torch.linalg.svd(_below(inner)).U
    return Space(B @ (left.T @ P), A.T @ (right.T @ Q), P.T @ raw @ Q)


def _slots(deltas: Sequence[Delta]) -> Iterator[slice]:
    """Where each update's factors stand among the stacked ones."""
    end = 0
    for delta in deltas:
        yield slice(end, end := end + delta.rank)


def _beside(cores: Tensor) -> Tensor:
    """[M₁ … Mₙ]"""
    return cores.transpose(0, 1).flatten(1)


def _below(cores: Tensor) -> Tensor:
    """[M₁ᵀ … Mₙᵀ]"""
    return cores.permute(2, 0, 1).flatten(1)


def _directions(wide: Tensor) -> Tensor:
    """The left singular vectors that carry more than noise; at least one."""
    P, S, _ = torch.linalg.svd(wide, full_matrices=False)
    count = max(1, int((NOISE * S[0] < S).sum()))
    directions: Tensor = P[:, :count]
    return directions

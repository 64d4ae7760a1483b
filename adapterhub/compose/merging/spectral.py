"""Methods that read the updates as matrices with singular values; the core has the same ones.

cores: (n, p, q), one for each update    weights: (n,)    result: (p, q), or its triplets
"""

import torch
from torch import Tensor

from adapterhub.compose.merging.core import NOISE

__all__ = ["iso_c", "tsv"]

Triplets = tuple[Tensor, Tensor, Tensor]
"""P (p, k), S (k,), Qᵀ (k, q): the most important first."""


def iso_c(cores: Tensor, weights: Tensor) -> Triplets:
    """The weighted sum with its spectrum flattened: σ̄·P·Qᵀ of Σ wᵢ·ΔWᵢ = P·S·Qᵀ, σ̄ the mean of S.

    The mean runs over the singular values that are there (more than 1e-6 of the largest), so a redundant factor changes
    nothing. The triplets stay in the order of S, which says what is cut first. Marczak et al. 2025,
    https://arxiv.org/abs/2502.04959
    """
    P, S, Qt = torch.linalg.svd(torch.einsum("n,npq->pq", weights, cores), full_matrices=False)
    rank = max(1, _rank(S))
    return P[:, :rank], S[:rank].mean().expand(rank), Qt[:rank]


def tsv(cores: Tensor, weights: Tensor, *, keep: float = 1.0) -> Tensor:
    """Task singular vectors: the triplets of all updates, their vectors made orthogonal, added up.

    Of each ΔWᵢ = Pᵢ·Sᵢ·Qᵢᵀ the first `keep` of its triplets; P = [P₁ … Pₙ] is replaced by the nearest matrix with
    orthonormal columns, Q likewise; the result is P⊥·diag(w₁S₁, …, wₙSₙ)·Q⊥ᵀ. Low-rank updates fit side by side, so by
    default all triplets are kept. Gargiulo et al. 2024, https://arxiv.org/abs/2412.00081
    """
    lefts, values, rights = [], [], []
    for core, weight in zip(cores, weights, strict=True):
        P, S, Qt = torch.linalg.svd(core, full_matrices=False)
        count = min(_rank(S), max(1, round(keep * _rank(S))))
        lefts.append(P[:, :count])
        values.append(weight * S[:count])
        rights.append(Qt[:count])
    left, right = _orthogonal(torch.cat(lefts, 1)), _orthogonal(torch.cat(rights, 0).T)
    return (left * torch.cat(values)) @ right.T


def _orthogonal(columns: Tensor) -> Tensor:
    """The nearest matrix with orthonormal columns (rows, where there are more columns than rows)."""
    if not columns.shape[1]:
        return columns
    P, _, Qt = torch.linalg.svd(columns, full_matrices=False)
    nearest: Tensor = P @ Qt
    return nearest


def _rank(S: Tensor) -> int:
    """How many singular values are more than rounding."""
    return int((NOISE * S[0] < S).sum()) if len(S) and float(S[0]) > 0 else 0

"""Products of factors that are factors again: exact, and of the least rank that needs no look at the values.

    Hadamard    (a₁b₁) ⊙ (a₂b₂) = (a₁ ⋆ a₂)(b₁ ⊛ b₂)      rank r₁·r₂: columns of a, rows of b, pair by pair
    Kronecker   (a₁b₁) ⊗ (a₂b₂) = (a₁ ⊗ a₂)(b₁ ⊗ b₂)      rank r₁·r₂
    Tucker      Σᵢⱼ tᵢⱼₖ aᵢₚ bⱼₓ = aᵀ·m,  m[i, (x,k)] = Σⱼ tᵢⱼₖ bⱼₓ     rank r, the kernel k behind the channels x

Hadamard: Slyusar 1999 (face-splitting product). Tucker: Yeh et al. 2023, https://arxiv.org/abs/2309.14859
"""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Pair", "dense", "hadamard", "kronecker", "thinnest", "tucker"]


class Pair(NamedTuple):
    """Factors of B·A.    B: (out, r)    A: (r, in)"""

    B: Tensor
    A: Tensor


def dense(matrix: Tensor) -> Pair:
    """A matrix as a pair with the identity on its shorter side: rank min(out, in), and as large as the matrix."""
    out, into = matrix.shape
    if out <= into:
        return Pair(torch.eye(out, dtype=matrix.dtype, device=matrix.device), matrix)
    return Pair(matrix, torch.eye(into, dtype=matrix.dtype, device=matrix.device))


def thinnest(pair: Pair) -> Pair:
    """The pair, or its product where that has fewer rows or columns than the pair has rank."""
    return pair if pair.A.shape[0] < min(pair.B.shape[0], pair.A.shape[1]) else dense(pair.B @ pair.A)


def hadamard(one: Pair, two: Pair) -> Pair:
    """The product entry by entry; multiplied out where rank r₁·r₂ would be no less than that of any matrix."""
    out, into = one.B.shape[0], one.A.shape[1]
    rank = one.A.shape[0] * two.A.shape[0]
    if rank >= min(out, into):
        return dense((one.B @ one.A) * (two.B @ two.A))
    B = one.B[:, :, None] * two.B[:, None, :]  # (out, r₁, r₂)
    A = one.A[:, None, :] * two.A[None, :, :]  # (r₁, r₂, in)
    return Pair(B.reshape(out, rank), A.reshape(rank, into))


def kronecker(one: Pair, two: Pair) -> Pair:
    """The Kronecker product (out₁·out₂, in₁·in₂), each of the two made as thin as it goes before."""
    one, two = thinnest(one), thinnest(two)
    return Pair(_kron(one.B, two.B), _kron(one.A, two.A))


def _kron(one: Tensor, two: Tensor) -> Tensor:
    """torch.kron, which fails on some matrices of one row."""
    rows, columns = one.shape[0] * two.shape[0], one.shape[1] * two.shape[1]
    return (one[:, None, :, None] * two[None, :, None, :]).reshape(rows, columns)


def tucker(core: Tensor, first: Tensor, second: Tensor) -> Pair:
    """A kernel's factors.    core: (r, r, *kernel)    first: (r, out)    second: (r, in)"""
    middle = torch.einsum("ij...,jx->ix...", core, second)
    return Pair(first.T, middle.reshape(middle.shape[0], -1))

"""Tall, thin matrices: their orthonormal columns, found from the small matrix of inner products.

    tall = Q·R,  Q = tall·T        tall: (m, r)    T: (r, p)    R: (p, r)    p ≤ r, the rank

The columns are first scaled to length 1, which takes the differences of scale between adapters out of the problem, and
tallᵀ·tall is then taken apart in float64. That costs one GEMM, a third of Householder's QR for 72 columns, and Q is
never made where only T is needed. Squaring halves the digits: where columns are nearly parallel, as those of adapters
that are alike, Householder's R is taken apart instead.
"""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Thin", "core", "thin"]

PARALLEL = 1e-6
"""Where the inner products have eigenvalues below this part of the largest, too many of their digits are lost."""

NOISE = 1e-11
"""Singular values below this part of the largest are float64's own rounding."""


class Thin(NamedTuple):
    """T and R of tall = (tall·T)·R, in float64."""

    T: Tensor
    R: Tensor


def thin(tall: Tensor) -> Thin:
    """T and R of a tall matrix in float64; p = 0 where it is all zero."""
    lengths = torch.linalg.norm(tall, dim=0)
    lengths = torch.where(lengths > 0, lengths, 1.0)
    unit = tall / lengths
    D, E = torch.linalg.eigh(unit.T @ unit)
    S, V = D.clamp_min(0).sqrt(), E
    if float(D[0]) < PARALLEL * float(D[-1]):
        _, S, Vt = torch.linalg.svd(torch.linalg.qr(unit, mode="r").R, full_matrices=False)
        V = Vt.T
    there = S.max().clamp_min(0.5) * NOISE < S
    S, V = S[there], V[:, there]
    return Thin(V / S / lengths[:, None], (V * S).T * lengths)


def core(B: Tensor, A: Tensor) -> Tensor:
    """R_B·R_Aᵀ, at most (r, r): the singular values and the norm of B·A without the product.

    B: (m, r)    A: (r, n)    With B = Q_B·R_B and Aᵀ = Q_A·R_A the Q have orthonormal columns and change no length.
    """
    return thin(B.double()).R @ thin(A.double().T).R.T

"""How far the mean of the factors of workers that trained apart is from the mean of their work.

    B̄ = mean(Bᵢ)    Ā = mean(Aᵢ)    mean(Bᵢ·Aᵢ) - B̄·Ā = mean((Bᵢ - B̄)·(Aᵢ - Ā))

The right side is a covariance: it is nothing where all share one A, as a frozen one is (FFA-LoRA, Sun et al. 2024,
https://arxiv.org/abs/2403.12313), and it is what plain averaging of both factors loses.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from adapterhub.lora.delta import Delta

__all__ = ["Factors", "gap"]

Factors = tuple[Tensor, Tensor]
"""A (r, in) and B (out, r) of one module, as Delta has them; dimensions behind the second, a kernel's, are flat."""


def gap(workers: Sequence[Sequence[Factors]]) -> float:
    """‖B̄·Ā - mean(Bᵢ·Aᵢ)‖ / ‖mean(Bᵢ·Aᵢ)‖ over all modules, in Frobenius norms; exactly 0 where all share each A.

    workers[i][m] are the factors of module m at worker i. A scale that differs by module belongs into B. No product
    of the factors is made: the norms come from inner products of the stacked factors.
    """
    lost = kept = 0.0
    for modules in zip(*workers, strict=True):
        A, B = zip(*((A.flatten(1).double(), B.flatten(1).double()) for A, B in modules), strict=True)
        lost += _norm(_apart(A), _apart(B)) ** 2
        kept += _norm(A, B) ** 2
    if not kept:
        return math.inf if lost else 0.0
    return math.sqrt(lost / kept)


def _apart(factors: Sequence[Tensor]) -> list[Tensor]:
    """What each has beside the mean. Measured from the first, so that it is exactly nothing where all are the same."""
    moved = [factor - factors[0] for factor in factors]
    mean = _mean(moved)
    return [one - mean for one in moved]


def _norm(A: Sequence[Tensor], B: Sequence[Tensor]) -> float:
    """‖Σ Bᵢ·Aᵢ‖ of stacked factors."""
    return Delta(torch.cat(list(A)), torch.cat(list(B), 1)).norm()


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    total = torch.zeros_like(tensors[0], dtype=torch.float64)
    for tensor in tensors:
        total += tensor
    return total / len(tensors)

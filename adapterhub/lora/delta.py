"""A weight change kept in factors: ΔW = s·B·A.

A: (r, in)    B: (out, r)    s: a number    ΔW: (out, in)

Hu et al. 2021, https://arxiv.org/abs/2106.09685
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.errors import DoesNotFit

__all__ = ["Delta", "core", "wide"]


@final
@dataclass(frozen=True, eq=False)
class Delta:
    """A change of one weight; a `Delta` that exists has factors that can be multiplied."""

    A: Tensor
    B: Tensor
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.A.ndim != 2 or self.B.ndim != 2 or self.A.shape[0] != self.B.shape[1] or not self.A.shape[0]:
            raise DoesNotFit(
                f"factors of {tuple(self.B.shape)} and {tuple(self.A.shape)} have no product B·A",
                hint="A is (r, in) and B is (out, r) with r > 0",
            )

    @property
    def rank(self) -> int:
        """r, the rank the factors allow."""
        return self.A.shape[0]

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in) of the weight that changes."""
        return self.B.shape[0], self.A.shape[1]

    def dense(self) -> Tensor:
        """ΔW itself, (out, in), in fp32 or wider."""
        kind = torch.promote_types(wide(self.A), wide(self.B))
        return self.scale * (self.B.to(kind) @ self.A.to(kind))

    def norm(self) -> float:
        """‖ΔW‖_F without ΔW, in float64."""
        return abs(self.scale) * float(torch.linalg.norm(core(self.B.double(), self.A.double())))


def wide(factor: Tensor) -> torch.dtype:
    """The type to compute in: fp32, or fp64 for what is fp64."""
    return torch.promote_types(factor.dtype, torch.float32)


def core(B: Tensor, A: Tensor) -> Tensor:
    """R_B·R_Aᵀ, at most (r, r): the singular values and norm of B·A without the product.

    B: (m, r)    A: (r, n)    With B = Q_B·R_B and Aᵀ = Q_A·R_A the Q have orthonormal columns and change no length.
    """
    left: Tensor = torch.linalg.qr(B, mode="r").R
    right: Tensor = torch.linalg.qr(A.T, mode="r").R
    return left @ right.T

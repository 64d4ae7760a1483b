"""A weight change kept in factors: ΔW = s·B·A.

A: (r, in)    B: (out, r)    s: a number    ΔW: (out, in)

Hu et al. 2021, https://arxiv.org/abs/2106.09685
"""

from dataclasses import dataclass, replace
from typing import Literal, final

import torch
from torch import Tensor

from adapterhub.errors import DoesNotFit
from adapterhub.lora.thin import core

__all__ = ["LINEAR", "Delta", "Form", "wide"]


@final
@dataclass(frozen=True)
class Form:
    """Which matrix a change is written as, (out, in).

    linear       the weight itself, whichever way it is stored; also a convolution's where its kernel was not saved
    embedding    (dim, vocabulary), the transpose of what is stored
    conv         (out, channels·kernel), the kernel flattened behind the channels it reads
    """

    kind: Literal["linear", "embedding", "conv"] = "linear"
    kernel: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {'×'.join(map(str, self.kernel))}" if self.kernel else self.kind


LINEAR = Form()


@final
@dataclass(frozen=True, eq=False)
class Delta:
    """A change of one weight; a `Delta` that exists has factors that can be multiplied."""

    A: Tensor
    B: Tensor
    scale: float = 1.0
    form: Form = LINEAR
    loose: bool = False
    """Whether A may be wider than the weight, whose leading columns count then: VeRA saves one A for all modules."""

    groups: int = 1
    """Of a convolution that works in groups: B is block-diagonal, and only such a B can be saved."""

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

    def within(self, shape: tuple[int, int], form: Form) -> "Delta":
        """The same change as that of a weight, (out, in), where its factors do not know all of that; else itself.

        Some tuners' factors do not tell a convolution's kernel, and loose ones not how wide the weight is.
        """
        loose = self.loose and self.shape[0] == shape[0] and self.shape[1] > shape[1]
        A = self.A[:, : shape[1]] if loose else self.A
        flat = self.form == LINEAR and form.kind == "conv" and (self.B.shape[0], A.shape[1]) == shape
        return replace(self, A=A, form=form if flat else self.form) if loose or flat else self

    def dense(self) -> Tensor:
        """ΔW itself, (out, in), in fp32 or wider."""
        kind = torch.promote_types(wide(self.A), wide(self.B))
        return self.scale * (self.B.to(kind) @ self.A.to(kind))

    def norm(self) -> float:
        """‖ΔW‖_F without ΔW, in float64."""
        return abs(self.scale) * float(torch.linalg.norm(core(self.B, self.A)))


def wide(factor: Tensor) -> torch.dtype:
    """The type to compute in: fp32, or fp64 for what is fp64."""
    return torch.promote_types(factor.dtype, torch.float32)

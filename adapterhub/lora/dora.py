"""DoRA: what each row of W + ΔW is multiplied by to have its trained length.

    c = m / ‖W + s·B·A‖_row        0 for a row of length 0, which no factor can give a length

Liu et al. 2024, https://arxiv.org/abs/2402.09353. W comes in blocks, so neither W nor ΔW need ever be whole.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from adapterhub.lora.delta import Delta, wide

__all__ = ["Block", "lengths", "stretch"]


class Block(NamedTuple):
    """A part of W as (out, in), in any float type, and where in W its first number lies."""

    row: int
    column: int
    values: Tensor


def stretch(blocks: Iterable[Block], delta: Delta, magnitude: Tensor) -> Tensor:
    """c (out,) in float64 on the CPU; the blocks cover W once, in any order. magnitude: (out,)"""
    found = lengths(blocks, delta)
    return torch.where(found > 0, magnitude.detach().flatten().to(found) / found, 0.0)


def lengths(blocks: Iterable[Block], delta: Delta) -> Tensor:
    """‖W + s·B·A‖ of each row, (out,) in float64 on the CPU."""
    squares = torch.zeros(delta.shape[0], dtype=torch.float64)
    for row, column, W in blocks:
        kind, (height, width) = torch.promote_types(wide(W), wide(delta.A)), W.shape
        A = delta.A.detach()[:, column : column + width].to(W.device, kind)
        B = delta.B.detach()[row : row + height].to(W.device, kind)
        changed = torch.addmm(W.to(kind), B, A, alpha=delta.scale)
        squares[row : row + height] += changed.square_().sum(1).to("cpu", torch.float64)
    return squares.sqrt()

"""What a compression loses of a tensor, and of all together.

relative    ‖W − W'‖_F / ‖W‖_F
sqnr        10·log10(‖W‖² / ‖W − W'‖²) decibels: the ratio of signal to quantisation noise
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

__all__ = ["Loss", "lost", "total"]


@final
@dataclass(frozen=True)
class Loss:
    """Sums of squares: of the differences, and of the first side.

    >>> Loss(1.0, 100.0).relative, Loss(1.0, 100.0).sqnr
    (0.1, 20.0)
    """

    squares: float
    norm: float

    @property
    def relative(self) -> float:
        return math.sqrt(self.squares / self.norm) if self.norm else 0.0

    @property
    def sqnr(self) -> float | None:
        """None where nothing is lost, since the ratio is no number then."""
        return 10 * math.log10(self.norm / self.squares) if self.squares and self.norm else None


@torch.no_grad()
def lost(before: Tensor, after: Tensor) -> Loss:
    """The loss of one tensor, summed in double precision."""
    wide = before.double()
    return Loss(float((wide - after.double()).square().sum()), float(wide.square().sum()))


def total(losses: Iterable[Loss]) -> Loss:
    """The loss of all tensors together, as if they were one."""
    rows = tuple(losses)
    return Loss(math.fsum(row.squares for row in rows), math.fsum(row.norm for row in rows))

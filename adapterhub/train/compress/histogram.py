"""How often each magnitude occurs, counted while the numbers go by.

The bins are even over [0, limit). What lies beyond makes the limit twice as large, and neighbouring bins one, so a
number is always counted in the bin it lies in. Zeros are not counted: they stay zero whatever the scale is, and after
a ReLU, or in a pruned weight, there are so many that nothing else would be seen.
"""

import math
from typing import final

import torch
from torch import Tensor

from adapterhub.errors import Refused

__all__ = ["BINS", "Histogram"]

BINS = 2048


@final
class Histogram:
    """Counts of |x| in `BINS` even bins; the largest |x| is known exactly.

    >>> histogram = Histogram()
    >>> histogram.add(torch.tensor([0.0, -1.0, 3.0]))
    >>> histogram.total, histogram.largest, int(histogram.counts[-1])
    (2, 3.0, 1)
    """

    def __init__(self) -> None:
        self.counts = torch.zeros(BINS, dtype=torch.float64)
        self.limit = self.largest = 0.0

    @property
    def total(self) -> int:
        """How many numbers were counted."""
        return int(self.counts.sum())

    @property
    def width(self) -> float:
        """The width of a bin."""
        return self.limit / BINS

    @torch.no_grad()
    def add(self, numbers: Tensor) -> None:
        """Count numbers of any shape; `Refused` for NaN and infinity, which no scale can hold."""
        sizes = numbers.detach().to(torch.promote_types(numbers.dtype, torch.float32)).abs().reshape(-1)
        sizes = sizes[sizes != 0]
        if not len(sizes):
            return
        largest = float(sizes.max())
        if not math.isfinite(largest):
            raise Refused("numbers to calibrate on hold NaN or infinity", hint="look at the data and at the model")
        self._reach(largest)
        places = (sizes.double() / self.width).long().clamp_(max=BINS - 1)
        self.counts += torch.bincount(places, minlength=BINS).cpu()
        self.largest = max(self.largest, largest)

    def _reach(self, largest: float) -> None:
        if not self.limit:
            self.limit = largest
        while self.limit < largest:
            self.limit *= 2
            self.counts = torch.cat([self.counts.view(-1, 2).sum(1), torch.zeros(BINS // 2, dtype=torch.float64)])

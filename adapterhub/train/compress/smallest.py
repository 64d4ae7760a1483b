"""The k smallest magnitudes of many tensors, exactly, without holding them all at once.

The bits of a float that is not negative, read as a whole number, are in the order of the floats. So two passes do: the
first counts the upper halves of those numbers, the second the lower halves where the k-th lies. Equal magnitudes at the
border are taken in the order of the tensors, until there are k.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import final

import torch
from torch import Tensor

from adapterhub.errors import Refused

__all__ = ["Smallest", "find"]

HALF = 1 << 16
INFINITE = 0x7F800000
"""The bits of infinity; NaN lies above."""

CHUNK = 1 << 24
"""Numbers looked at together."""


@final
class Smallest:
    """All magnitudes below a border, and some of those at it. Each number is to be asked about once."""

    def __init__(self, border: int, equal: int) -> None:
        self._border, self._equal = border, equal

    @torch.no_grad()
    def zeroed(self, weight: Tensor) -> Tensor:
        """A copy with those among the smallest set to zero."""
        flat = weight.detach().clone(memory_format=torch.contiguous_format)
        for part in _parts(flat):
            bits = _bits(part)
            gone = bits < self._border
            if self._equal:
                at = (bits == self._border).nonzero().view(-1)[: self._equal]
                gone[at], self._equal = True, self._equal - len(at)
            part[gone] = 0
        return flat


def find(tensors: Callable[[], Iterable[Tensor]], count: int) -> Smallest:
    """The `count` smallest of all magnitudes; `tensors` gives them twice, in the same order.

    Compared as fp32, which holds what any narrower type can. `Refused` for NaN and infinity.
    """
    if count <= 0:
        return Smallest(0, 0)
    upper, left = _place(_counts(tensors, lambda bits: bits >> 16), count)
    lower, left = _place(_counts(tensors, lambda bits: (bits & HALF - 1)[bits >> 16 == upper]), left)
    return Smallest(upper << 16 | lower, left)


def _counts(tensors: Callable[[], Iterable[Tensor]], part: Callable[[Tensor], Tensor]) -> Tensor:
    counts = torch.zeros(HALF, dtype=torch.int64)
    for bits in _all_bits(tensors()):
        counts += torch.bincount(part(bits), minlength=HALF)
    return counts


def _all_bits(tensors: Iterable[Tensor]) -> Iterator[Tensor]:
    for tensor in tensors:
        for part in _parts(tensor.detach()):
            bits = _bits(part)
            if len(bits) and int(bits.max()) >= INFINITE:
                raise Refused("a weight holds NaN or infinity, which have no rank", hint="the model is broken")
            yield bits


def _parts(tensor: Tensor) -> Iterator[Tensor]:
    """Views of a contiguous tensor, end to end."""
    flat = tensor.reshape(-1)
    return (flat[start : start + CHUNK] for start in range(0, len(flat), CHUNK))


def _bits(numbers: Tensor) -> Tensor:
    return numbers.float().abs().view(torch.int32).cpu()


def _place(counts: Tensor, wanted: int) -> tuple[int, int]:
    """The first bin up to whose end there are as many as wanted, and how many of it are."""
    sums = counts.cumsum(0)
    place = int(torch.searchsorted(sums, wanted))
    return place, wanted - int(sums[place] - counts[place])

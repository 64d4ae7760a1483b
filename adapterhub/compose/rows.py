"""Blocks of rows, and the k-th largest of what is only seen in blocks."""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from adapterhub.digest import Digest

__all__ = ["BLOCK", "blocks", "key_of", "kth_largest"]

BLOCK = 256
"""Rows of a block. Part of what a seed means: random numbers are drawn block by block."""

STRIDE = 61
"""Every so many elements are looked at to guess where the k-th largest lies."""

Parts = Callable[[], Iterator[Tensor]]


def blocks(height: int) -> Iterator[tuple[int, int]]:
    """The first and the last + 1 row of each block."""
    for start in range(0, height, BLOCK):
        yield start, min(height, start + BLOCK)


def key_of(*what: object) -> int:
    """The seed of one of many streams of random numbers, a number below 2⁶⁰."""
    return int(Digest.of("\0".join(map(str, what)).encode()).hex[:15], 16)


def kth_largest(parts: Parts, size: int, counts: Sequence[int]) -> list[float]:
    """The k-th largest magnitude of `size` elements that are only seen in parts, for each k; 0 for k past the end.

    `parts` yields the same tensors at each call. A sample says between which values the k-th must lie; only those are
    collected and sorted. Where the sample was wrong, all are.
    """
    sample = torch.cat([part.abs().flatten()[::STRIDE] for part in parts()]).sort(descending=True).values
    return [_kth(parts, count, *_guess(sample, count / size)) if 1 <= count <= size else 0.0 for count in counts]


def _guess(sample: Tensor, part: float) -> tuple[float, float]:
    """Between which values this part of all elements ends, with room for six standard deviations of the sample."""
    room = 6 * math.sqrt(len(sample) * part * (1 - part)) + 8
    first, last = math.floor(part * len(sample) - room), math.ceil(part * len(sample) + room)
    return (float(sample[last]) if last < len(sample) else 0.0), (float(sample[first]) if first >= 0 else math.inf)


def _kth(parts: Parts, count: int, low: float, high: float) -> float:
    above, near = 0, []
    for part in parts():
        size = part.abs()
        above += int((size > high).sum())
        near.append(size[(size >= low) & (size <= high)])
    found = torch.cat(near)
    place = count - above
    if not 1 <= place <= len(found):
        return _kth(parts, count, 0.0, math.inf)
    return float(found.kthvalue(len(found) - place + 1).values)

"""How far the tensors of two bases lie apart, read in blocks, without torch.

    relative   ‖b − a‖ / ‖a‖      Frobenius norms, in double precision; None where a is all zero
    largest    max |b − a|

Both are None where a tensor holds NaN or infinity: such a difference is no number.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, final

from adapterhub.base.hashing import fill, threads
from adapterhub.base.values import READABLE, numbers
from adapterhub.formats.header import BITS, TensorInfo
from adapterhub.formats.members import Members

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Distance", "Side", "blocks", "distances", "total"]

BLOCK = 1 << 18
"""Values compared at a time."""

Side = tuple[Members, str, TensorInfo]
"""Where a tensor lies: among which files, in which of them, and where there."""


@final
@dataclass(frozen=True)
class Distance:
    """Sums over the values of a tensor: of the squares of the differences, of the squares of the first side."""

    squares: float
    norm: float
    largest_found: float

    @property
    def relative(self) -> float | None:
        finite = math.isfinite(self.squares) and math.isfinite(self.norm)
        return math.sqrt(self.squares / self.norm) if finite and self.norm else None

    @property
    def largest(self) -> float | None:
        return self.largest_found if math.isfinite(self.largest_found) else None


def total(found: Iterable[Distance]) -> Distance:
    """The distance of all tensors together, as if they were one."""
    rows = list(found)
    largest = max(
        (row.largest_found for row in rows), key=lambda size: math.inf if math.isnan(size) else size, default=0.0
    )
    return Distance(sum(row.squares for row in rows), sum(row.norm for row in rows), largest)


def distances(pairs: Iterable[tuple[str, Side, Side]]) -> dict[str, Distance]:
    """The distances of tensors of equal shape, by name; of types whose values cannot be told there is none."""
    from concurrent.futures import ThreadPoolExecutor

    told = [pair for pair in pairs if {pair[1][2].dtype, pair[2][2].dtype} <= READABLE]
    told.sort(key=lambda pair: pair[1][2].parameters, reverse=True)
    with ThreadPoolExecutor(threads(), "distance") as pool:
        return dict(zip((name for name, _, _ in told), pool.map(lambda pair: _distance(*pair[1:]), told), strict=True))


def _distance(one: Side, other: Side) -> Distance:
    import numpy as np

    squares = norm = largest = 0.0
    with one[0].open(one[1]) as first, other[0].open(other[1]) as second, np.errstate(all="ignore"):
        for a, b in zip(blocks(first, one), blocks(second, other), strict=True):
            gap = b - a
            squares += float(gap @ gap)
            norm += float(a @ a)
            largest = float(np.maximum(largest, np.abs(gap).max()))  # keeps a NaN
    return Distance(squares, norm, largest)


def blocks(stream: BinaryIO, side: Side, first: int = 0, count: int | None = None) -> "Iterator[np.ndarray[Any, Any]]":
    """The values of a tensor as doubles, block after block; all of them, or so many from the `first` on."""
    _, file, info = side
    width, left = BITS[info.dtype] // 8, info.parameters if count is None else count
    buffer = memoryview(bytearray(min(BLOCK, left) * width))
    stream.seek(info.start + first * width)
    while left:
        block = buffer[: min(BLOCK, left) * width]
        fill(stream, block, f"{file}: ends inside {info.name}")
        yield numbers(block, info.dtype).astype("<f8")
        left -= len(block) // width

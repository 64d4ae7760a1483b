"""The bf16 values of a tensor, so that a bf16 copy of a base is recognised by its digest.

bf16 := the upper half of a float32, rounded to nearest, ties to even; NaN becomes 0x7FC0 (as torch does it)
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ROUNDED", "Rounder", "to_bf16"]

ROUNDED = {"F32": 4, "F16": 2}
"""Dtypes that have bf16 copies worth knowing, and their bytes a value; a BF16 tensor is its own copy."""

INFINITY = 0x7F800000
"""The bits of the largest magnitude a float32 may have; what is above it is NaN."""


def to_bf16(data: memoryview, dtype: str) -> bytes:
    """The bytes of the bf16 copy of little-endian values; `data` holds whole values.

    >>> to_bf16(memoryview(bytes.fromhex("0000803f")), "F32").hex()
    '803f'
    """
    return bytes(Rounder(dtype, len(data)).round(data))


@final
class Rounder:
    """Rounds block after block of at most so many bytes, in memory it takes once."""

    def __init__(self, dtype: str, largest: int) -> None:
        self.dtype, self.values = dtype, largest // ROUNDED[dtype]

    @cached_property
    def _room(self) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
        import numpy as np

        return np.empty(self.values, "<u4"), np.empty(self.values, "<u2")

    def round(self, data: memoryview) -> memoryview:
        """The bf16 copy of a block of whole values; the next call writes over it."""
        import numpy as np

        bits = (
            np.frombuffer(data, "<f2").astype("<f4").view("<u4") if self.dtype == "F16" else np.frombuffer(data, "<u4")
        )
        work, rounded = (room[: len(bits)] for room in self._room)
        np.bitwise_and(bits, 0x7FFFFFFF, out=work)
        nan = work > INFINITY if len(work) and work.max() > INFINITY else None
        np.right_shift(bits, 16, out=work)
        work &= 1
        work += 0x7FFF
        work += bits
        np.copyto(rounded, work.view("<u2")[1::2])  # the upper halves
        if nan is not None:
            rounded[nan] = 0x7FC0
        return rounded.data.cast("B")

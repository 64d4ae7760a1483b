"""The bytes of a tensor as numbers, without torch: bf16 by shifting, eight-bit floats by a table of 256."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["READABLE", "numbers"]

PLAIN = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "u1",
}  # fmt: skip
"""What numpy reads by itself."""

SMALL = {"F8_E4M3": (4, 3, 7), "F8_E5M2": (5, 2, 15)}
"""Bits of the exponent, of the fraction, and the bias of a power of two."""


def _of_bf16(data: memoryview) -> Any:
    import numpy as np

    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")


def _of_small(dtype: str) -> Callable[[memoryview], Any]:
    def read(data: memoryview) -> Any:
        import numpy as np

        return _table(dtype)[np.frombuffer(data, "u1")]

    return read


@lru_cache
def _table(dtype: str) -> "np.ndarray[Any, Any]":
    """What each byte means: sign, exponent, fraction; the largest exponent is NaN, in E5M2 infinity too."""
    import numpy as np

    exponents, fractions, bias = SMALL[dtype]
    codes = np.arange(256)
    exponent, fraction = codes >> fractions & (1 << exponents) - 1, codes & (1 << fractions) - 1
    magnitude = np.where(
        exponent == 0,
        fraction * 2.0 ** (1 - bias - fractions),
        (fraction / (1 << fractions) + 1) * 2.0 ** (exponent - bias),
    )
    last = (1 << exponents) - 1
    if dtype == "F8_E4M3":
        magnitude[codes & 0x7F == 0x7F] = np.nan
    else:
        magnitude[(exponent == last) & (fraction == 0)] = np.inf
        magnitude[(exponent == last) & (fraction > 0)] = np.nan
    return np.where(codes >> 7 == 1, -magnitude, magnitude).astype("<f4")


READABLE = frozenset({*PLAIN, *SMALL, "BF16"})
"""The types whose values can be told."""


def numbers(data: memoryview, dtype: str) -> "np.ndarray[Any, Any]":
    """The values of little-endian bytes, exactly, as an array of one dimension.

    >>> numbers(memoryview(bytes.fromhex("803f")), "BF16").tolist()
    [1.0]
    """
    if dtype == "BF16":
        return _of_bf16(data)  # type: ignore[no-any-return]
    if dtype in SMALL:
        return _of_small(dtype)(data)  # type: ignore[no-any-return]
    import numpy as np

    return np.frombuffer(data, PLAIN[dtype])

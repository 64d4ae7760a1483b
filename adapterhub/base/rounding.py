"""The bf16 values of a tensor, so that a bf16 copy of a base is recognised by its digest.

bf16 := the upper half of a float32, rounded to nearest, ties to even; NaN becomes 0x7FC0 (as torch does it)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ROUNDED", "to_bf16"]

ROUNDED = {"F32": 4, "F16": 2}
"""Dtypes that have bf16 copies worth knowing, and their bytes a value; a BF16 tensor is its own copy."""


def to_bf16(data: memoryview, dtype: str) -> bytes:
    """The bytes of the bf16 copy of little-endian values; `data` holds whole values.

    >>> to_bf16(memoryview(bytes.fromhex("0000803f")), "F32").hex()
    '803f'
    """
    import numpy as np

    bits = np.frombuffer(data, "<f2").astype("<f4").view("<u4") if dtype == "F16" else np.frombuffer(data, "<u4")
    rounded = ((bits + (np.uint32(0x7FFF) + ((bits >> 16) & 1))) >> 16).astype("<u2")
    rounded[_is_nan(bits)] = 0x7FC0
    return bytes(rounded.tobytes())


def _is_nan(bits: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    return (bits & 0x7FFFFFFF) > 0x7F800000

"""What the header of any weights file says: names, types, shapes and where the bytes lie. No values, no torch."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import BinaryIO, final

from adapterhub.errors import Corrupt

__all__ = ["BITS", "Header", "TensorInfo", "commonest_dtype", "refuse_pointer"]

BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}
"""Bits of one element, by the name safetensors gives the type."""

POINTER = b"version https://git-lfs"


@final
@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a file; its bytes are those from `start` up to `end`, counted from the beginning of the file.

    >>> TensorInfo("w", "F32", (2, 3), 100, 124).parameters
    6
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def parameters(self) -> int:
        return prod(self.shape)


@final
@dataclass(frozen=True)
class Header:
    """All tensors of a file in the order of its header, and the text it carries beside them."""

    tensors: dict[str, TensorInfo]
    metadata: dict[str, str]

    @property
    def parameters(self) -> int:
        return sum(tensor.parameters for tensor in self.tensors.values())


def commonest_dtype(tensors: Iterable[TensorInfo]) -> str | None:
    """The type most of the parameters have; None without tensors."""
    weight: Counter[str] = Counter()
    for tensor in tensors:
        weight[tensor.dtype] += tensor.parameters
    return min(weight, key=lambda dtype: (-weight[dtype], dtype), default=None)


def refuse_pointer(stream: BinaryIO, what: str) -> None:
    """`Corrupt` if a Git LFS pointer lies where the file should be; else the stream stands at its beginning again."""
    stream.seek(0)
    head = stream.read(1024)
    stream.seek(0)
    if not head.startswith(POINTER):
        return
    wants: dict[bytes, bytes] = dict(re.findall(rb"^(oid|size) (\S+)", head, re.MULTILINE))
    oid, size = (wants.get(key, b"?").decode("ascii", "replace") for key in (b"oid", b"size"))
    raise Corrupt(
        f"{what}: a Git LFS pointer lies where the file should be; it stands for {size} bytes with {oid}",
        hint="run `git lfs pull` in the repository it came from, or download the file itself",
    )

"""Files of safetensors, written from bytes of any type: numpy knows no bfloat16, and torch need not be there.

file   := header's length (8 bytes, little-endian), header (JSON, padded with spaces to a multiple of 8), data
order  := wide types before narrow ones, so that all lie aligned, and by name among equals

https://github.com/huggingface/safetensors (format); the bytes are those its own writer makes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from adapterhub.formats.header import BITS
from adapterhub.system import naming

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NAMES", "Raw", "write"]

NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL", "bfloat16": "BF16",
}  # fmt: skip
"""The names of numpy and torch -> those of the format."""


@final
@dataclass(frozen=True, eq=False)
class Raw:
    """A tensor as it is stored: its type as the format spells it, its shape and its bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, array: "np.ndarray", bits: str = "") -> "Raw":
        """The values of an array; with `bits` it holds the bits of this type, which numpy does not have."""
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        return cls(bits or NAMES[array.dtype.name], array.shape, data)


def write(tensors: Mapping[str, Raw], path: Path) -> None:
    """Write a file; the same tensors give the same bytes."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    ordered, end = sorted(tensors, key=lambda name: (-BITS[tensors[name].dtype], name)), 0
    for name in ordered:
        raw = tensors[name]
        offsets = [end, end := end + len(raw.data)]
        header[name] = {"dtype": raw.dtype, "shape": raw.shape, "data_offsets": offsets}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with naming(path), path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for name in ordered:
            stream.write(tensors[name].data)

"""Files of safetensors, written from bytes of any type: numpy knows no bfloat16, and torch need not be there.

file   := header's length (8 bytes, little-endian), header (JSON, padded with spaces to a multiple of 8), data
order  := wide types before narrow ones, so that all lie aligned, and by name among equals

https://github.com/huggingface/safetensors (format); the bytes are those its own writer makes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, final

from adapterhub.formats.header import BITS
from adapterhub.system import naming

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NAMES", "Raw", "Room", "header", "write"]

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


class Room(NamedTuple):
    """What a header says of a tensor: its type, its shape and its bytes."""

    dtype: str
    shape: tuple[int, ...]
    size: int


def header(rooms: Mapping[str, Room], metadata: Mapping[str, str]) -> tuple[bytes, dict[str, int]]:
    """The beginning of a file up to its data, and where in the data each tensor starts, in the order of the file."""
    said: dict[str, object] = {"__metadata__": {key: metadata[key] for key in sorted(metadata)}}
    starts, end = {}, 0
    for name in sorted(rooms, key=lambda name: (-BITS[rooms[name].dtype], name)):
        room, starts[name] = rooms[name], end
        end += room.size
        said[name] = {"dtype": room.dtype, "shape": room.shape, "data_offsets": [starts[name], end]}
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, starts


def write(tensors: Mapping[str, Raw], path: Path) -> None:
    """Write a file; the same tensors give the same bytes."""
    rooms = {name: Room(raw.dtype, raw.shape, len(raw.data)) for name, raw in tensors.items()}
    head, starts = header(rooms, {"format": "pt"})
    with naming(path), path.open("wb") as stream:
        stream.write(head)
        for name in starts:
            stream.write(tensors[name].data)

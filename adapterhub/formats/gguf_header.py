"""The header of a GGUF file, read without the gguf package and believed in nothing.

    file   := "GGUF" version(u32) tensors(u64) keys(u64) { key type value } { tensor } padding data
    tensor := name dimensions(u32) { size(u64), fastest first } type(u32) offset(u64)
    text   := length(u64) UTF-8          array := type(u32) count(u64) { value }

All numbers are little endian; offsets count from the first aligned byte behind the header. Every count and length is
held against the bytes that follow it before it is used, and long arrays (a model's vocabulary) are stepped over, so
neither a lie nor a large model costs memory.

The layout: ggml's docs/gguf.md.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, BinaryIO, NoReturn, final

from adapterhub.errors import Corrupt
from adapterhub.formats.gguf_types import BLOCKS
from adapterhub.formats.header import TensorInfo, refuse_pointer

__all__ = ["GgufHeader", "is_gguf", "read"]

LARGEST_HEADER = 100_000_000
MOST_KEYS = 1 << 16
MOST_TENSORS = 1 << 17
MOST_ITEMS = 1 << 21
"""Values in arrays that are gone through one by one: the largest vocabulary with its merges has under a million."""

LONGEST_NAME = 1 << 16
LONGEST_KEPT = 64
DEEPEST = 4

TEXT, ARRAY, BOOL = 8, 9, 7
SCALARS = {
    code: struct.Struct("<" + letter)
    for code, letter in {
        0: "B",
        1: "b",
        2: "H",
        3: "h",
        4: "I",
        5: "i",
        6: "f",
        7: "B",
        10: "Q",
        11: "q",
        12: "d",
    }.items()
}
LEAST = {TEXT: 8, ARRAY: 12, **{code: scalar.size for code, scalar in SCALARS.items()}}
"""The fewest bytes a value of each type takes."""


@final
@dataclass(frozen=True)
class GgufHeader:
    """Tensors with their shapes slowest first (as numpy has them) and the values of the keys.

    An array of more than `LONGEST_KEPT` values, or of arrays, stands there as its length.
    """

    version: int
    values: dict[str, Any]
    tensors: dict[str, TensorInfo]


def is_gguf(stream: BinaryIO) -> bool:
    """Whether the file begins as a GGUF file does."""
    stream.seek(0)
    return stream.read(4) == b"GGUF"


def read(stream: BinaryIO, size: int, what: str) -> GgufHeader:
    """The header of a file of `size` bytes; `what` names it in errors. `Corrupt` on any lie."""
    refuse_pointer(stream, what)
    if not is_gguf(stream):
        _lie(what, "a GGUF file begins with 'GGUF'")
    cursor = Cursor(stream, min(size, LARGEST_HEADER), what, 4)
    version = cursor.number("I")
    if version not in (2, 3):
        _lie(what, f"version 2 or 3 can be read, got {version}{' (big endian?)' if version >> 16 else ''}")
    tensors, keys = cursor.number("Q"), cursor.number("Q")
    cursor.expect(keys, 13, MOST_KEYS, "keys")
    values = dict(_pairs(cursor, keys))
    cursor.expect(tensors, 24, MOST_TENSORS, "tensors")
    rows = [_row(cursor) for _ in range(tensors)]
    return GgufHeader(version, values, _place(rows, values, cursor.place, size, what))


def _lie(what: str, message: str) -> NoReturn:
    raise Corrupt(f"{what}: {message}", hint="the file is damaged or no GGUF file: fetch or save it again")


@final
@dataclass
class Cursor:
    """A place in a header that never goes behind `end`."""

    stream: BinaryIO
    end: int
    what: str
    place: int
    items: int = 0

    def take(self, count: int) -> bytes:
        """The next bytes; `Corrupt` if there are fewer."""
        self._check(count)
        data = self.stream.read(count)
        if len(data) != count:
            _lie(self.what, f"wanted {count} bytes at {self.place}, got {len(data)}")
        self.place += count
        return data

    def skip(self, count: int) -> None:
        self._check(count)
        self.place += count
        self.stream.seek(self.place)

    def number(self, letter: str) -> int:
        form = struct.Struct("<" + letter)
        return int(form.unpack(self.take(form.size))[0])

    def text(self, longest: int = LARGEST_HEADER) -> str:
        """The text that comes next: its length, then UTF-8."""
        length = self.number("Q")
        if length > longest:
            _lie(self.what, f"a name at {self.place} may have {longest} bytes, it claims {length}")
        data = self.take(length)
        try:
            return data.decode()
        except UnicodeDecodeError:
            _lie(self.what, f"the text at {self.place - length} is no UTF-8: {data[:40]!r}")

    def expect(self, count: int, least: int, most: int, things: str) -> None:
        """`count` things of at least `least` bytes each must fit into what is left."""
        if count > most or count * least > self.end - self.place:
            left = self.end - self.place
            _lie(self.what, f"claims {count} {things}; {most} may be, and {left} bytes are left for them")

    def spend(self, count: int) -> None:
        """Go through so many values one by one."""
        self.items += count
        if self.items > MOST_ITEMS:
            _lie(self.what, f"claims {self.items} values in arrays; {MOST_ITEMS} may be")

    def _check(self, count: int) -> None:
        if count > self.end - self.place:
            _lie(self.what, f"{count} bytes at {self.place} go behind the end of the header at {self.end}")


def _pairs(cursor: Cursor, count: int) -> list[tuple[str, Any]]:
    pairs, seen = [], set()
    for _ in range(count):
        key = cursor.text(LONGEST_NAME)
        if key in seen:
            _lie(cursor.what, f"the key {key!r} stands there twice")
        seen.add(key)
        pairs.append((key, _value(cursor, cursor.number("I"), key)))
    return pairs


def _value(cursor: Cursor, kind: int, key: str) -> Any:
    if kind == TEXT:
        return cursor.text()
    if kind == ARRAY:
        return _array(cursor, key, 1)
    if kind not in SCALARS:
        _lie(cursor.what, f"{key!r} has the unknown type {kind}")
    scalar = SCALARS[kind]
    (value,) = scalar.unpack(cursor.take(scalar.size))
    if kind == BOOL and value > 1:
        _lie(cursor.what, f"{key!r} is a yes or no, got {value}")
    return bool(value) if kind == BOOL else value


def _array(cursor: Cursor, key: str, depth: int) -> Any:
    """The values of a short array, the length of a long or a nested one."""
    kind, count = cursor.number("I"), cursor.number("Q")
    if kind not in LEAST or depth > DEEPEST:
        _lie(cursor.what, f"{key!r} is an array of the unknown type {kind}, {depth} deep")
    cursor.expect(count, LEAST[kind], LARGEST_HEADER, f"values in {key!r}")
    if kind in SCALARS and count > LONGEST_KEPT:
        cursor.skip(count * SCALARS[kind].size)
        return count
    cursor.spend(count)
    if count <= LONGEST_KEPT and kind != ARRAY:
        return [_value(cursor, kind, key) for _ in range(count)]
    for _ in range(count):
        if kind == ARRAY:
            _array(cursor, key, depth + 1)
        else:
            cursor.skip(cursor.number("Q"))
    return count


def _row(cursor: Cursor) -> tuple[str, list[int], int, int]:
    """One tensor as it stands there: name, sizes fastest first, type, offset."""
    name, dimensions = cursor.text(LONGEST_NAME), cursor.number("I")
    if not 1 <= dimensions <= 4:
        _lie(cursor.what, f"tensor {name!r} has 1 to 4 dimensions, got {dimensions}")
    sizes = [cursor.number("Q") for _ in range(dimensions)]
    return name, sizes, cursor.number("I"), cursor.number("Q")


def _place(
    rows: list[tuple[str, list[int], int, int]], values: dict[str, Any], header: int, size: int, what: str
) -> dict[str, TensorInfo]:
    """Where the tensors lie, none of them outside the file or inside another."""
    alignment = values.get("general.alignment", 32)
    if type(alignment) is not int or not 8 <= alignment <= 1 << 20 or alignment & (alignment - 1):
        _lie(what, f"general.alignment is a power of two from 8 on, got {str(alignment)[:40]}")
    data = -(-header // alignment) * alignment
    tensors: dict[str, TensorInfo] = {}
    for name, sizes, kind, offset in rows:
        if name in tensors:
            _lie(what, f"the tensor {name!r} stands there twice")
        if offset % alignment:
            _lie(what, f"tensor {name!r} begins at {offset}, which is not aligned to {alignment}")
        start = data + offset
        end = start + _bytes(name, sizes, kind, what)
        if end > size:
            _lie(what, f"tensor {name!r} ends at {end}, the file at {size}: it is cut off")
        tensors[name] = TensorInfo(name, BLOCKS[kind][0], tuple(reversed(sizes)), start, end)
    ordered = sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.end))
    for one, other in pairwise(ordered):
        if other.start < one.end:
            _lie(what, f"tensor {other.name!r} begins inside {one.name!r}: {other.start} < {one.end}")
    return tensors


def _bytes(name: str, sizes: list[int], kind: int, what: str) -> int:
    if kind not in BLOCKS:
        _lie(what, f"tensor {name!r} has the unknown type {kind}")
    dtype, elements, width = BLOCKS[kind]
    if not all(sizes) or sizes[0] % elements:
        _lie(what, f"tensor {name!r}: {dtype} comes in blocks of {elements}, got the sizes {sizes}")
    return prod(sizes) // elements * width

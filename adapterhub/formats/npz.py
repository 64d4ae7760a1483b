"""The headers of an `.npz` file (a zip of npy arrays), read without numpy and believed in nothing.

    zip       := { local-header name extra data } directory end
    npy       := "\\x93NUMPY" major minor length header values
    header    := {'descr': '<f4', 'fortran_order': False, 'shape': (4096, 8), }

Only headers are inflated, never more than `LONGEST` bytes of each, so a bomb stays packed. Every size is held against
the file before it is used; arrays of pickled objects are refused.

The zip and npy layouts: APPNOTE.TXT 6.3.10 (PKWARE), NEP 1.
"""

import re
import struct
import zlib
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import BinaryIO, NoReturn, final

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.header import BITS, Header, TensorInfo, refuse_pointer

__all__ = ["read", "read_array"]

LONGEST = 10_000
"""Bytes of an npy header; the same limit numpy has."""

LARGEST_DIRECTORY = 16 << 20
"""Bytes of a zip's directory; a quarter of a million arrays."""

STORED, DEFLATED = 0, 8

END = struct.Struct("<4s4H2LH")
END64_LOCATOR = struct.Struct("<4sLQL")
END64 = struct.Struct("<4sQ2H2L4Q")
ROW = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")

NPY = re.compile(
    r"\{'descr': '(?P<descr>[^']*)', 'fortran_order': (?:True|False), 'shape': \((?P<shape>[0-9, ]*)\),? ?\}\s*"
)

DTYPES = {
    "b1": "BOOL",
    **{f"{kind}{width}": f"{name}{8 * width}" for kind, name in (("u", "U"), ("i", "I")) for width in (1, 2, 4, 8)},
    **{f"f{width}": f"F{8 * width}" for width in (2, 4, 8)},
    "V2": "BF16",  # numpy has no bfloat16: Apple's mlx writes its bytes as an opaque type of two
}


@final
@dataclass(frozen=True)
class Member:
    """One file of the zip: `start` to `end` are its bytes as they lie there, `size` what they unpack to."""

    name: str
    method: int
    start: int
    end: int
    size: int


def read(stream: BinaryIO, size: int, what: str) -> Header:
    """The arrays of a file of `size` bytes; `what` names it in errors. `Corrupt` on any lie, `Refused` for pickles.

    A tensor's span is its values; that of a deflated array is its packed bytes, npy header and all.
    """
    refuse_pointer(stream, what)
    tensors = {}
    for member in _members(stream, size, what):
        tensor = _tensor(stream, member, what)
        tensors[tensor.name] = tensor
    return Header(tensors, {})


def read_array(stream: BinaryIO, size: int, what: str) -> Header:
    """The one array of an `.npy` file of `size` bytes, under the name `array`."""
    refuse_pointer(stream, what)
    return Header({"array": _tensor(stream, Member("array", STORED, 0, size, size), what)}, {})


def _lie(what: str, message: str) -> NoReturn:
    raise Corrupt(f"{what}: {message}", hint="the file is damaged or no .npz file: fetch or save it again")


def _at(stream: BinaryIO, start: int, count: int, what: str) -> bytes:
    stream.seek(start)
    data = stream.read(count)
    if len(data) != count:
        _lie(what, f"wanted {count} bytes at {start}, got {len(data)}")
    return data


def _members(stream: BinaryIO, size: int, what: str) -> list[Member]:
    """The files of the zip in the order of their bytes, none of them inside another."""
    count, start, length = _directory(stream, size, what)
    data = _at(stream, start, length, what)
    members: list[Member] = []
    place = 0
    for _ in range(count):
        if place + ROW.size > length:
            _lie(what, f"the directory ends after {len(members)} of {count} files")
        member, used = _row(stream, data, place, start, what)
        members.append(member)
        place += used
    twice = [name for name, times in Counter(member.name for member in members).items() if times > 1]
    if twice:
        _lie(what, f"the name {twice[0]!r} stands there twice")
    members.sort(key=lambda member: member.start)
    for one, other in pairwise(members):
        if other.start < one.end:
            _lie(what, f"{other.name!r} begins inside {one.name!r}: {other.start} < {one.end}")
    return members


def _directory(stream: BinaryIO, size: int, what: str) -> tuple[int, int, int]:
    """How many files, where the directory begins and how long it is."""
    tail = min(size, END.size + 0xFFFF)
    data = _at(stream, size - tail, tail, what)
    found = data.rfind(b"PK\5\6")
    if not data or found < 0 or found + END.size > len(data):
        _lie(what, "no zip directory at its end")
    _, disk, _, _, count, length, start, _ = END.unpack_from(data, found)
    end = size - tail + found
    if 0xFFFF in (disk, count) or 0xFFFFFFFF in (length, start):
        count, start, length, end = _directory64(stream, end, what)
    if start + length > end or length > LARGEST_DIRECTORY or count * ROW.size > length:
        _lie(what, f"a directory of {count} files and {length} bytes at {start} does not fit before byte {end}")
    return count, start, length


def _directory64(stream: BinaryIO, end: int, what: str) -> tuple[int, int, int, int]:
    if end < END64_LOCATOR.size:
        _lie(what, "its directory is too large for a plain zip and no zip64 one is there")
    signature, _, place, _ = END64_LOCATOR.unpack(_at(stream, end - END64_LOCATOR.size, END64_LOCATOR.size, what))
    if signature != b"PK\6\7" or place + END64.size > end:
        _lie(what, "its directory is too large for a plain zip and no zip64 one is there")
    row = END64.unpack(_at(stream, place, END64.size, what))
    if row[0] != b"PK\6\6":
        _lie(what, f"no zip64 directory at {place}")
    count, length, start = row[7:]
    return count, start, length, place


def _row(stream: BinaryIO, data: bytes, place: int, directory: int, what: str) -> tuple[Member, int]:
    """One file of the directory, checked against what stands before its bytes; and how long its row is."""
    row = ROW.unpack_from(data, place)
    signature, flags, method, packed, size = row[0], row[3], row[4], row[8], row[9]
    name_length, extra_length, comment_length, offset = row[10], row[11], row[12], row[16]
    begin = place + ROW.size
    used = ROW.size + name_length + extra_length + comment_length
    if signature != b"PK\1\2" or place + used > len(data):
        _lie(what, f"no row of a zip directory at {directory + place}")
    raw = data[begin : begin + name_length]
    name = _name(raw, what)
    extra = data[begin + name_length : begin + name_length + extra_length]
    size, packed, offset = _sizes64(extra, (size, packed, offset), f"{what}: {name!r}")
    if flags & 1 or method not in (STORED, DEFLATED):
        _lie(what, f"{name!r} is encrypted or packed by method {method}; only stored and deflated can be read")
    if method == STORED and packed != size:
        _lie(what, f"{name!r} is stored, but {packed} bytes stand for {size}")
    start = offset + LOCAL.size + name_length
    if start > directory:
        _lie(what, f"{name!r} begins at {offset}, behind the directory at {directory}")
    local = _at(stream, offset, LOCAL.size + name_length, what)
    before = LOCAL.unpack_from(local)
    if before[0] != b"PK\3\4" or before[3] != method or local[LOCAL.size :] != raw:
        _lie(what, f"the directory says {name!r} begins at {offset}, but something else does")
    start += before[10]
    if start + packed > directory:
        _lie(what, f"{name!r}: {packed} bytes at {start} do not fit before the directory at {directory}")
    return Member(name, method, start, start + packed, size), used


def _name(data: bytes, what: str) -> str:
    try:
        name = data.decode()
    except UnicodeDecodeError:
        _lie(what, f"a name is UTF-8, got {data[:40]!r}")
    if not name.endswith(".npy"):
        _lie(what, f"an .npz holds .npy arrays, got {name[:80]!r}")
    return name


def _sizes64(extra: bytes, sizes: tuple[int, int, int], what: str) -> list[int]:
    """The unpacked and packed size and the offset, from the zip64 field where the row has no room for them."""
    wide = _field(extra, 1)
    result = []
    for size in sizes:
        if size == 0xFFFFFFFF:
            if len(wide) < 8:
                _lie(what, "a size is missing")
            size, wide = int.from_bytes(wide[:8], "little"), wide[8:]
        result.append(size)
    return result


def _field(extra: bytes, wanted: int) -> bytes:
    while len(extra) >= 4:
        tag, length = struct.unpack_from("<2H", extra)
        if tag == wanted:
            return extra[4 : 4 + length]
        extra = extra[4 + length :]
    return b""


def _tensor(stream: BinaryIO, member: Member, what: str) -> TensorInfo:
    place = f"{what}: {member.name!r}"
    head = _head(stream, member, place)
    if not head.startswith(b"\x93NUMPY") or len(head) < 12 or head[6] not in (1, 2, 3):
        _lie(place, f"an npy array begins with \\x93NUMPY and version 1, 2 or 3, got {head[:8]!r}")
    width = 2 if head[6] == 1 else 4
    length = int.from_bytes(head[8 : 8 + width], "little")
    begin = 8 + width + length
    if length > LONGEST - 12 or begin > len(head):
        _lie(place, f"the header claims {length} bytes, at most {min(LONGEST, member.size) - 12} can be")
    dtype, shape = _describe(head[8 + width : begin], place)
    wanted = begin + prod(shape) * BITS[dtype] // 8
    if wanted != member.size:
        _lie(place, f"{dtype} {list(shape)} takes {wanted} bytes with its header, the zip says {member.size}")
    start = member.start + begin if member.method == STORED else member.start
    return TensorInfo(member.name.removesuffix(".npy"), dtype, shape, start, member.end)


def _head(stream: BinaryIO, member: Member, what: str) -> bytes:
    """The first bytes of the array, enough for its header."""
    data = _at(stream, member.start, min(LONGEST, member.end - member.start), what)
    if member.method == STORED:
        return data
    try:
        return zlib.decompressobj(-15).decompress(data, LONGEST)
    except zlib.error as error:
        _lie(what, f"cannot be unpacked: {error}")


def _describe(header: bytes, what: str) -> tuple[str, tuple[int, ...]]:
    text = header.decode("latin-1")
    found = NPY.fullmatch(text)
    if found is None:
        _lie(what, f"cannot read the npy header {text.strip()[:120]!r}")
    descr = found["descr"]
    if descr.endswith("O"):
        raise Refused(
            f"{what}: the array's type is {descr!r}: pickled objects, which can run code when they are loaded",
            hint="save plain numbers: numpy.savez of float arrays",
        )
    if descr.startswith(">") or descr.lstrip("<|=") not in DTYPES:
        _lie(what, f"unknown type {descr[:40]!r}")
    numbers = [number.strip() for number in found["shape"].split(",")]
    if not all(numbers[:-1]) or any(len(number) > 18 or " " in number for number in numbers):
        _lie(what, f"cannot read the shape ({found['shape'][:80]})")
    return DTYPES[descr.lstrip("<|=")], tuple(int(number) for number in numbers if number)

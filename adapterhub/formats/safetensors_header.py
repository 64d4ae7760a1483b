"""The header of a safetensors file, read without torch and believed in nothing.

    file   := length header data
    length := 8 bytes, little endian: how many bytes the header has
    header := JSON { name: {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {text: text} }

Every number is held against the size of the file before it is used, so a file that lies costs no memory. Offsets count
from the end of the header, follow each other without gap or overlap, and end where the file ends.
"""

import json
from collections import Counter
from math import prod
from typing import Any, BinaryIO, NoReturn

from adapterhub.errors import Corrupt
from adapterhub.formats.header import BITS, Header, TensorInfo, refuse_pointer

__all__ = ["LARGEST_HEADER", "read"]

LARGEST_HEADER = 100_000_000
"""Bytes; the same limit safetensors has."""

LARGEST_NUMBER = 1 << 63

OTHERS = (
    (b"PK\x03\x04", "a zip, as PyTorch's pickles are"),
    (b"\x80\x02", "a pickle"),
    (b"<", "a web page"),
    (b"GGUF", "a GGUF file"),
)


def read(stream: BinaryIO, size: int, what: str) -> Header:
    """The header of a file of `size` bytes; `what` names it in errors. `Corrupt` on any lie."""
    refuse_pointer(stream, what)
    if size < 8:
        _lie(what, f"a safetensors file begins with 8 bytes, got {size} in all")
    begins = stream.read(8)
    length = int.from_bytes(begins, "little")
    if length > min(LARGEST_HEADER, size - 8):
        alike = next((f"; it begins like {kind}" for sign, kind in OTHERS if begins.startswith(sign)), "")
        most = f"{LARGEST_HEADER} are allowed" if length > LARGEST_HEADER else f"{size - 8} follow"
        _lie(what, f"the header claims {length} bytes, but {most}{alike}")
    text = stream.read(length)
    if len(text) != length:
        _lie(what, f"wanted {length} bytes of header, got {len(text)}")
    table = _parse(text, what)
    metadata = _metadata(table.pop("__metadata__", None), what)
    tensors = {name: _tensor(name, row, 8 + length, what) for name, row in table.items()}
    _check_layout(tensors, 8 + length, size, what)
    return Header(tensors, metadata)


def _lie(what: str, message: str) -> NoReturn:
    raise Corrupt(f"{what}: {message}", hint="the file is damaged or no safetensors file: fetch or save it again")


def _parse(text: bytes, what: str) -> dict[str, Any]:
    if not text.startswith(b"{"):
        _lie(what, f"the header begins with '{{', got {text[:16]!r}")
    try:
        table = json.loads(
            text.decode(), object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_int=_natural
        )
    except (ValueError, RecursionError) as error:
        _lie(what, f"the header is no JSON: {str(error)[:200]}")
    assert isinstance(table, dict)
    return table


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {twice!r} stands there twice")
    for name in table:
        name.encode()  # a lone surrogate is a ValueError here, and a crash wherever the name is written
    return table


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _natural(digits: str) -> int:
    if digits.startswith("-") or len(digits) > 19:
        raise ValueError(f"{digits[:24]} is no size of anything")
    return int(digits)


def _metadata(table: Any, what: str) -> dict[str, str]:
    if table is None:  # MLX writes null
        return {}
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        _lie(what, f"__metadata__ maps text to text, got {str(table)[:80]}")
    return {name: value.encode(errors="replace").decode() for name, value in table.items()}  # no half surrogate pairs


def _tensor(name: str, row: Any, data: int, what: str) -> TensorInfo:
    if not isinstance(row, dict) or not {"dtype", "shape", "data_offsets"} <= row.keys():
        _lie(what, f"tensor {name!r} needs dtype, shape and data_offsets, got {str(row)[:80]}")
    dtype, shape, offsets = row["dtype"], row["shape"], row["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        _lie(what, f"tensor {name!r} has the unknown dtype {str(dtype)[:40]!r}")
    if not _naturals(shape):
        _lie(what, f"tensor {name!r}: a shape is a list of whole numbers >= 0, got {str(shape)[:80]}")
    if not _naturals(offsets) or len(offsets) != 2:
        _lie(what, f"tensor {name!r}: data_offsets is two whole numbers >= 0, got {str(offsets)[:80]}")
    begin, end = offsets
    wanted = prod(shape) * BITS[dtype]
    if (end - begin) * 8 != wanted:
        _lie(what, f"tensor {name!r}: {dtype} {shape} takes {wanted / 8:g} bytes, its offsets give {end - begin}")
    return TensorInfo(name, dtype, tuple(shape), data + begin, data + end)


def _naturals(numbers: Any) -> bool:
    if not isinstance(numbers, list):
        return False
    # A loop: thousands of generators, for two numbers each, take most of the time.
    for number in numbers:  # noqa: SIM110
        if type(number) is not int or not 0 <= number < LARGEST_NUMBER:
            return False
    return True


def _check_layout(tensors: dict[str, TensorInfo], data: int, size: int, what: str) -> None:
    """Tensors follow each other from the first byte of data to the last."""
    expected = data
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.end)):
        if tensor.start != expected:
            kind = "overlaps the one before" if tensor.start < expected else "leaves a gap before it"
            _lie(what, f"tensor {tensor.name!r} {kind}: it begins at {tensor.start - data}, not {expected - data}")
        expected = tensor.end
    if expected != size:
        kind = "is cut off" if expected > size else "has bytes that belong to nothing"
        _lie(what, f"the file {kind}: the header describes {expected} bytes, it has {size}")

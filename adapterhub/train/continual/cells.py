"""Rows of a table as lines of JSON that hold all of them: pictures, sounds and arrays too, as base64.

    cell     := whatever JSON has a word for
    file     := {"adapterhub:file": base64, "suffix": ".png"}
    bytes    := {"adapterhub:bytes": base64}
    array    := {"adapterhub:array": base64, "dtype": "<f4", "shape": [8, 8]}

What JSON has no word for otherwise, as a date, becomes its text. The same rows have the same bytes.
"""

import json
from base64 import b64decode, b64encode
from math import prod
from pathlib import Path
from typing import Any

from adapterhub.digest import Digest
from adapterhub.durable import make_folder, replace
from adapterhub.errors import Corrupt
from adapterhub.regular import open_regular

__all__ = ["read", "write"]

FILE, BYTES, ARRAY = "adapterhub:file", "adapterhub:bytes", "adapterhub:array"

LETTERS = "biufc"
"""Kinds of arrays that are numbers; no other is stored or believed."""


def write(row: Any) -> bytes:
    """One line, without its end."""
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def read(line: bytes, folder: Path, place: str) -> Any:
    """What was written; files are put into `folder` under their digests. `Corrupt` for a line that is none."""

    def whole(found: dict[str, Any]) -> Any:
        if FILE in found:
            return _unpacked(b64decode(found[FILE], validate=True), str(found["suffix"]), folder)
        if BYTES in found:
            return b64decode(found[BYTES], validate=True)
        return _array(found) if ARRAY in found else found

    try:
        return json.loads(line, object_hook=whole)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Corrupt(
            f"{place}: no row that was kept: {str(error)[:200]}", hint="the file is damaged: `adapterhub check` tells"
        ) from None


def _plain(cell: Any) -> Any:
    if isinstance(cell, Path):
        with open_regular(cell) as stream:
            return {FILE: _text(stream.read()), "suffix": cell.suffix}
    if isinstance(cell, bytes):
        return {BYTES: _text(cell)}
    if hasattr(cell, "dtype") and hasattr(cell, "tobytes") and cell.dtype.kind in LETTERS:
        if not cell.shape:
            return cell.item()
        return {ARRAY: _text(cell.tobytes()), "dtype": cell.dtype.str, "shape": list(cell.shape)}
    return str(cell)


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _unpacked(data: bytes, suffix: str, folder: Path) -> Path:
    if suffix and not (suffix[:1] == "." and suffix[1:].isalnum()):
        raise ValueError(f"{suffix!r} is no ending of a file's name")
    path = folder / f"{Digest.of(data).hex}{suffix}"
    if not path.exists():
        make_folder(folder)
        replace(path, data)
    return path


def _array(found: dict[str, Any]) -> Any:
    import numpy as np

    data, dtype, shape = b64decode(found[ARRAY], validate=True), np.dtype(found["dtype"]), tuple(found["shape"])
    if dtype.kind not in LETTERS or prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"an array of {dtype} {list(shape)} in {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape).copy()

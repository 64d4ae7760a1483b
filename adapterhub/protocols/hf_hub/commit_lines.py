"""A commit as it is sent: one JSON document a line. Each is read alone, within limits, and believed in nothing.

{"key": "header",        "value": {"summary", "description", "parentCommit"?}}        the first line
{"key": "file",          "value": {"path", "content", "encoding": "base64"}}
{"key": "lfsFile",       "value": {"path", "algo": "sha256", "oid", "size"?}}
{"key": "deletedFile",   "value": {"path"}}
{"key": "deletedFolder", "value": {"path"}}
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn, final

from adapterhub.errors import WrongUsage
from adapterhub.manifest import safe_path

__all__ = ["Deleted", "Header", "Large", "Line", "Regular", "check_lines", "read_lines", "split"]

LONGEST = 16 << 20
"""Bytes of one line: what is larger than its base64 is sent as a large file."""

MOST = 20_000
"""Lines of one commit."""

LONGEST_TITLE, LONGEST_TEXT = 1000, 100_000
SHA256, COMMIT = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9A-Fa-f]{5,40}")
HINT = "a commit is sent as lines of JSON, as huggingface_hub does"


@final
@dataclass(frozen=True)
class Header:
    """What a commit says of itself; `parent` is the commit it was made for, where its maker insists."""

    title: str
    message: str
    parent: str | None


@final
@dataclass(frozen=True)
class Regular:
    """A small file, whole."""

    path: str
    content: bytes


@final
@dataclass(frozen=True)
class Large:
    """A file whose bytes were sent before; a copy of one does not repeat its size."""

    path: str
    sha256: str
    size: int | None


@final
@dataclass(frozen=True)
class Deleted:
    """A file, or a folder with all that is in it, that goes."""

    path: str
    folder: bool


Line = Header | Regular | Large | Deleted


def split(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a body, empty ones left out; `WrongUsage` where one is too long or there are too many."""
    count = 0
    while line := stream.readline(LONGEST + 1):
        if len(line) > LONGEST:
            _refuse(f"a line of more than {LONGEST} bytes", "send the file as a large one")
        if not line.strip():
            continue
        if (count := count + 1) > MOST:
            _refuse(f"more than {MOST} lines", "send several commits")
        yield line


def check_lines(stream: BinaryIO) -> None:
    """Refuse what `split` would, before anything is kept; the stream is at its beginning again."""
    for _ in split(stream):
        pass
    stream.seek(0)


def read_lines(lines: Iterable[bytes]) -> Iterator[Line]:
    """The header, then what it does, one by one; `WrongUsage` for whatever is no commit."""
    first = True
    for number, line in enumerate(lines, 1):
        found = _read(line, f"line {number} of the commit")
        if isinstance(found, Header) != first:
            _refuse(f"line {number} of the commit: the first line, and only that, is the header")
        first = False
        yield found
    if first:
        _refuse("the commit is empty")


def _refuse(message: str, hint: str = HINT) -> NoReturn:
    raise WrongUsage(message, hint=hint)


def _read(line: bytes, what: str) -> Line:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        _refuse(f"{what}: no JSON: {str(error)[:100]}")
    key, value = (said.get("key"), said.get("value")) if isinstance(said, dict) else (None, None)
    reader = READERS.get(str(key))
    if reader is None or not isinstance(value, dict):
        _refuse(f"{what}: a key out of {', '.join(READERS)} and a value are wanted, got {str(said)[:100]!r}")
    return reader(value, what)


def _header(value: dict[str, Any], what: str) -> Header:
    title, message = value.get("summary") or "", value.get("description") or ""
    parent = value.get("parentCommit") or ""
    if not isinstance(title, str) or not isinstance(message, str):
        _refuse(f"{what}: summary and description are text")
    if parent and not (isinstance(parent, str) and COMMIT.fullmatch(parent)):
        _refuse(f"{what}: parentCommit is a commit of 40 hex digits, got {str(parent)[:80]!r}")
    return Header(_text(title)[:LONGEST_TITLE], _text(message)[:LONGEST_TEXT], parent.lower() or None)


def _text(text: str) -> str:
    """The same without half surrogate pairs, which no file of ours can hold."""
    return text.encode(errors="replace").decode()


def _file(value: dict[str, Any], what: str) -> Regular:
    path, content = _path(value, what), value.get("content")
    encoding = value.get("encoding", "utf-8")
    if not isinstance(content, str) or encoding not in ("base64", "utf-8"):
        _refuse(f"{what}: {path}: content is text in base64 or utf-8")
    try:
        return Regular(path, base64.b64decode(content, validate=True) if encoding == "base64" else content.encode())
    except (binascii.Error, ValueError) as error:
        _refuse(f"{what}: {path}: the content cannot be read as {encoding}: {error}")


def _large(value: dict[str, Any], what: str) -> Large:
    path, oid, size = _path(value, what), value.get("oid"), value.get("size")
    if not isinstance(oid, str) or not SHA256.fullmatch(oid):
        _refuse(f"{what}: {path}: oid is a sha256 of 64 hex digits, got {str(oid)[:80]!r}")
    if size is not None and (type(size) is not int or size < 0):
        _refuse(f"{what}: {path}: size is a whole number, got {str(size)[:40]!r}")
    return Large(path, oid, size)


def _path(value: dict[str, Any], what: str) -> str:
    path = value.get("path")
    try:
        return safe_path(path if isinstance(path, str) else "")
    except ValueError as error:
        _refuse(f"{what}: {error}", "rename the file")


READERS: dict[str, Callable[[dict[str, Any], str], Line]] = {
    "header": _header,
    "file": _file,
    "lfsFile": _large,
    "deletedFile": lambda value, what: Deleted(_path(value, what), False),
    "deletedFolder": lambda value, what: Deleted(
        _path({**value, "path": str(value.get("path", "")).rstrip("/")}, what), True
    ),
}

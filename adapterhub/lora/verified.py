"""The files of an entry in memory, each read once and believed only after its digest was computed."""

import io
from typing import TYPE_CHECKING, BinaryIO, cast, final

import numpy as np

from adapterhub.digest import CHUNK, Digest, new_hash
from adapterhub.entry import Entry
from adapterhub.errors import Corrupt
from adapterhub.manifest import File

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["VerifiedMembers"]

ROOM = 1 << 30
"""Bytes asked for at once, at most: the system gives none of them before something is written there."""


@final
class VerifiedMembers:
    """Members whose bytes are those the manifest names; `name` stands in errors."""

    def __init__(self, entry: Entry, name: str) -> None:
        self._entry, self._name = entry, name
        self._bytes: dict[str, memoryview] = {}

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._entry.paths()))

    def size(self, name: str) -> int:
        return len(self.data(name))

    def open(self, name: str) -> BinaryIO:
        return cast(BinaryIO, _View(self.data(name)))

    def data(self, name: str) -> memoryview:
        """All bytes of a file; what is built on them shares their memory."""
        if name not in self._bytes:
            file = self._entry.manifest.file(name)
            if file is None:
                raise KeyError(name)
            self._bytes[name] = self._read(file)
        return self._bytes[name]

    def _read(self, file: File) -> memoryview:
        with self._entry.files.open(file) as stream:
            data, digest = _read_and_hash(stream, file.size + 1)
        if len(data) != file.size:
            self._damaged(file, f"wanted {file.size} bytes, got {'more' if len(data) > file.size else len(data)}")
        if digest != file.blob:
            self._damaged(file, f"wanted {file.blob}, got {digest}")
        return data

    def _damaged(self, file: File, what: str) -> None:
        raise Corrupt(
            f"{self._name}: {file.path}: {what}",
            hint="the copy is damaged: `adapterhub check` names what else is; pull it again",
        )


def _read_and_hash(stream: BinaryIO, most: int) -> tuple[memoryview, Digest]:
    """At most so many bytes of a stream and their digest; each chunk is hashed while the processor still has it.

    Room is doubled where it ends, so that a manifest that lies about a size takes no memory.
    """
    hasher, data, at = new_hash(), _room(min(most, ROOM)), 0
    while at < most:
        if at == len(data):
            data, full = _room(min(2 * at, most)), data
            data[:at] = full
        count = stream.readinto(data[at : at + CHUNK])  # type: ignore[attr-defined]
        if not count:
            break
        hasher.update(data[at : at + count])
        at += count
    return data[:at], Digest(hasher.hexdigest())


def _room(size: int) -> memoryview:
    """Memory nobody has touched yet; numpy asks for large pages, which are given several times as fast."""
    return np.empty(size, np.uint8).data


class _View(io.RawIOBase):
    """A stream over bytes that are not copied, as BytesIO would."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._at = data, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        room = memoryview(buffer).cast("B")
        part = self._data[self._at : self._at + len(room)]
        room[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

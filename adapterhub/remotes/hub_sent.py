"""A file on its way up, as huggingface_hub wants it: an open one, which it hashes first and then sends."""

import io
import os
from typing import Any, BinaryIO, final

from adapterhub.entry import Entry
from adapterhub.manifest import File

__all__ = ["Outgoing"]

SMALL = 1 << 20
"""Bytes of a file that is held in memory."""


@final
class Outgoing(io.BufferedIOBase):
    """A stream that can go back, over any file of an entry. `data` holds a small file.

    Once it is `hashed`, reading means sending: `went` tells whether that happened.
    """

    def __init__(self, entry: Entry, file: File) -> None:
        self.file, self.size, self._at = file, file.size, 0
        self.hashed = self.went = False
        self.data: bytes | None = None
        stream = entry.files.open(file)
        if file.size <= SMALL:
            with stream:
                self.data = stream.read(SMALL + 1)
            stream = io.BytesIO(self.data)
        self._stream: BinaryIO = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._stream.read(-1 if size is None else size)
        self.went = self.went or self.hashed
        self._at += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(memoryview(buffer)))
        memoryview(buffer)[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        there = offset + (0, self._at, self.size)[whence]
        if there != self._at:
            self._stream.seek(there)
            self._at = there
        return there

    def close(self) -> None:
        self._stream.close()
        super().close()

"""The bytes of entries in a bucket: read by ranges with the next one on its way, written only if they are right."""

import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, final

from adapterhub.digest import CHUNK, Digest, new_hash
from adapterhub.entry import Entry, Files
from adapterhub.manifest import File
from adapterhub.remotes.bucket_objects import Objects
from adapterhub.remotes.bucket_threads import Threads
from adapterhub.remotes.bucket_tree import TREE
from adapterhub.store.session import STREAMS
from adapterhub.store.staging import not_promised

__all__ = ["BucketFiles", "send_file", "send_missing"]

FIRST, LONGEST = 1 << 17, 8 << 20
"""Bytes of the first range, which is enough for a header, and of the longest."""

QUICK = 3.0
"""Seconds; where a range takes longer, the next one is no longer than that one."""

SMALL = 8 << 20
"""Bytes up to which a file is sent in one request."""

LAST = 10.0
"""Seconds in which a server is told to forget what was interrupted."""


@final
@dataclass(frozen=True)
class BucketFiles:
    """The files of an entry, as blobs of a bucket."""

    objects: Objects

    def open(self, file: File, start: int = 0) -> BinaryIO:
        stream: BinaryIO = io.BufferedReader(_Ranges(self.objects, file, start), 1 << 16)
        return stream


@final
class _Ranges(io.RawIOBase):
    """One object, read range after range."""

    def __init__(self, objects: Objects, file: File, start: int) -> None:
        self.objects, self.path, self.size, self.at = objects, str(TREE.blob(file.blob)), file.size, start
        self._begin()

    def _begin(self) -> None:
        self._rest = memoryview(b"")
        self._length, self._took = FIRST, 0.0
        self._ahead: Future[bytes] | None = None
        self._read = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        there = offset + (0, self.at, self.size)[whence]
        if there != self.at:
            self.at = there
            self._begin()
        return there

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(self._next())
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self.at += count
        return count

    def _next(self) -> bytes:
        """The range from here on. Whoever comes for a second one reads on, so the one after it is asked for already."""
        if self.at >= self.size:
            return b""
        ahead, self._ahead = self._ahead, None
        data = ahead.result() if ahead else self._part(self.at)
        there = self.at + len(data)
        if self._read and data and there < self.size:
            if self._took < QUICK:
                self._length = min(4 * self._length, LONGEST)
            self._ahead = self.objects.pool.submit(lambda: self._part(there))
        self._read = True
        return data

    def _part(self, start: int) -> bytes:
        begun = time.monotonic()
        data = self.objects.part(self.path, start, self._length)
        self._took = time.monotonic() - begun
        return data


def send_missing(objects: Objects, entry: Entry) -> int:
    """Write the files of an entry that are not there, and its manifest last; how many bytes were read for it."""
    files = list({file.blob: file for file in entry.manifest.files}.values())
    sizes = objects.pool.map(lambda file: objects.size(str(TREE.blob(file.blob))), files)
    missing = [file for file, size in zip(files, sizes, strict=True) if size != file.size]
    read = sum(_send_all(objects, entry.files, missing))
    data, path = entry.manifest.to_bytes(), str(TREE.blob(entry.digest))
    if objects.size(path) == len(data):
        return read
    _put(objects, path, data)
    return read + len(data)


def _send_all(objects: Objects, files: Files, missing: list[File]) -> list[int]:
    """Write some files, several at once. Whoever is interrupted ends soon, and leaves no parts behind."""
    stopped, senders = threading.Event(), Threads(STREAMS)
    promises = [senders.submit(partial(send_file, objects, files, file, stopped)) for file in missing]
    try:
        return [promise.result() for promise in promises]
    except KeyboardInterrupt:
        stopped.set()
        raise
    finally:
        wait(promises, LAST if stopped.is_set() else None)


def send_file(objects: Objects, files: Files, file: File, stopped: threading.Event | None = None) -> int:
    """Write one file, if its bytes are those that were promised; else `Damaged`, and nothing is written."""
    path, outgoing = str(TREE.blob(file.blob)), _Outgoing(files, file, stopped or threading.Event())
    if file.size <= SMALL:
        _put(objects, path, b"".join(outgoing))
    else:
        try:
            objects.send(path, outgoing, file.size)
        except BaseException:
            if outgoing.fault:  # what was wrong with the source, not how the bucket took it
                raise outgoing.fault from None
            raise
    return file.size


def _put(objects: Objects, path: str, data: bytes) -> None:
    """Write a small blob; one that is there with another length is damaged, and replaced."""
    if not objects.create(path, data) and objects.size(path) != len(data):
        objects.write(path, data)


@final
class _Outgoing:
    """A file's pieces, hashed as they go; the last one is followed by an error where they are not what was promised."""

    def __init__(self, files: Files, file: File, stopped: threading.Event) -> None:
        self.files, self.file, self.stopped = files, file, stopped
        self.fault: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces()
        except BaseException as error:
            self.fault = error
            raise

    def _pieces(self) -> Iterator[bytes]:
        hasher, left = new_hash(), self.file.size
        with self.files.open(self.file) as stream:
            # One byte more than promised is enough to know that it is wrong.
            while left >= 0 and (piece := stream.read(min(CHUNK, left + 1))):
                if self.stopped.is_set():
                    raise KeyboardInterrupt
                hasher.update(piece)
                left -= len(piece)
                yield piece
        if left or Digest(hasher.hexdigest()) != self.file.blob:
            raise not_promised(self.file)

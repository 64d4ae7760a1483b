"""How bytes come in: into incoming/ first, under blobs/ only when they are complete, verified and durable."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, final

from adapterhub.digest import CHUNK, Digest, copy_and_hash, new_hash
from adapterhub.durable import make_folder, sync_folder
from adapterhub.entry import Damaged
from adapterhub.errors import Corrupt
from adapterhub.manifest import File
from adapterhub.regular import open_handle
from adapterhub.store.layout import Layout
from adapterhub.store.leases import is_held
from adapterhub.system import naming

__all__ = ["Staging", "not_promised"]

PIECE = 1 << 16
"""Bytes fetched at a time: what a broken connection may cost."""

Watch = Callable[[memoryview], None]
Source = Callable[[int], BinaryIO]


@final
class Staging:
    """Blobs of one writer on their way in. Nothing under blobs/ is touched before `land`.

    `<hex>.part` is a file that is being fetched, or was; `<hex>.<owner>.ready` one that is whole and waits for the
    others. As long as its owner holds his lease it is his; afterwards it is a part like any other, for whoever wants
    that digest next.
    """

    def __init__(self, layout: Layout, owner: str = "nobody") -> None:
        self.layout = layout
        self.owner = owner
        self.arrived: dict[Digest, Path] = {}
        self.landed: set[Digest] = set()
        self._fetched: set[Digest] = set()

    def take(self, source: BinaryIO, watch: Watch | None = None) -> tuple[Digest, int]:
        """Read a stream whose digest is not known yet; one pass copies and hashes."""
        make_folder(self.layout.incoming)
        path = self.layout.incoming / f"{secrets.token_hex(8)}.tmp"
        try:
            with naming(path), path.open("xb") as sink:
                digest, size = copy_and_hash(source, sink, watch)
                _settle(sink)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self.keep(digest, path)
        return digest, size

    def fetch(self, file: File, source: Source, watch: Watch | None = None) -> int:
        """Read a file whose digest is known, going on where an interrupted process stopped; how many bytes were read.

        `source(start)` opens a stream at an offset. Bytes that do not match are `Damaged`, and are forgotten.
        """
        make_folder(self.layout.incoming)
        with self._part(file.blob) as (sink, path):
            resumed = sink.seek(0, os.SEEK_END)
            digest, read = _continue(sink, file, source, watch)
            if digest != file.blob and resumed:  # what lay there may have been wrong: once more, from the start
                sink.truncate(0)
                digest, again = _continue(sink, file, source, watch)
                read += again
            if digest != file.blob or sink.tell() != file.size:
                path.unlink(missing_ok=True)
                raise not_promised(file)
            _settle(sink)
            self._fetched.add(file.blob)
            self.keep(file.blob, path)
            return read

    @cached_property
    def _left(self) -> dict[str, list[Path]]:
        """What lay here when this writer began to fetch: hex digest -> files that may hold some of it, or all."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self.layout.incoming.iterdir()):
            if path.suffix in (".part", ".ready"):
                found.setdefault(path.name.partition(".")[0], []).append(path)
        return found

    def _candidates(self, digest: Digest) -> Iterator[Path]:
        """Files that may be this digest's partial one, the best first: whole, begun, new, one of our own."""
        left = self._left.pop(digest.hex, [])
        for path in left:
            owner = path.stem.partition(".")[2]
            if path.suffix == ".ready" and not is_held(self.layout.incoming, owner):
                adopted = self.layout.incoming / f"{digest.hex}.{secrets.token_hex(4)}.part"
                with contextlib.suppress(FileNotFoundError):  # another writer adopted it
                    path.chmod(0o644)  # its writer may have died just before it landed
                    path.rename(adopted)
                    yield adopted
        yield from (path for path in left if path.suffix == ".part" and path.exists())
        yield self.layout.incoming / f"{digest.hex}.part"
        while True:  # another writer may lock even our own before we do, so there is always one more
            yield self.layout.incoming / f"{digest.hex}.{secrets.token_hex(4)}.part"

    @contextlib.contextmanager
    def _part(self, digest: Digest) -> Iterator[tuple[BinaryIO, Path]]:
        """The partial file of a digest if nobody else is writing it, else one of our own."""
        for candidate in self._candidates(digest):
            try:
                handle = open_handle(candidate, os.O_RDWR | os.O_CREAT)
            except Corrupt:  # what is no file is left to `check`
                continue
            with naming(candidate), open(handle, "r+b") as stream:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                # Between open and lock its writer may have finished and moved it under blobs/: never write there.
                if _still_named(handle, candidate):
                    yield stream, candidate
                    return

    def keep(self, digest: Digest, path: Path) -> None:
        """Take over a file of incoming/ that is whole, verified and durable."""
        staged = self.layout.incoming / f"{digest.hex}.{self.owner}.ready"
        path.rename(staged)  # over the same bytes, where they came twice
        self.arrived[digest] = staged

    def land(self) -> None:
        """Link everything that arrived to its place under blobs/, durably."""
        for digest, path in self.arrived.items():
            target = self.layout.blob(digest)
            make_folder(target.parent)
            # Gone only where its lease was over, as after a long sleep of the machine: then it is fetched again.
            with contextlib.suppress(FileNotFoundError):
                path.chmod(0o444)
                # A blob that is there already is replaced: these bytes are verified, those may have rotted.
                os.replace(path, target)
                self.landed.add(digest)
        for folder in {self.layout.blob(digest).parent for digest in self.arrived}:
            sync_folder(folder)
        self.arrived.clear()

    def drop(self) -> None:
        """Forget what was taken. What was fetched stays, so that the next try need not fetch it again."""
        for digest, path in self.arrived.items():
            if digest not in self._fetched:
                path.unlink(missing_ok=True)
        self.arrived.clear()


def not_promised(file: File) -> Damaged:
    """What to say of bytes that are not those of the manifest."""
    return Damaged(
        f"{file.path}: what arrived is not {file.blob} ({file.size} bytes)",
        hint="the copy it was read from is damaged: run `adapterhub check` where that lies",
    )


def _still_named(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _settle(sink: BinaryIO) -> None:
    sink.flush()
    os.fsync(sink.fileno())


def _read(source: BinaryIO, file: File, most: int) -> bytes:
    """The next piece; an error names the file that is read, not the one it is written to."""
    with naming(file.path):
        return source.read(min(PIECE, most))


def _continue(sink: BinaryIO, file: File, source: Source, watch: Watch | None) -> tuple[Digest, int]:
    """Hash what is there and append the rest; the digest of it all, and how many bytes were read."""
    sink.seek(0)
    hasher, start, read = new_hash(), 0, 0
    while chunk := sink.read(CHUNK):
        hasher.update(chunk)
        start += len(chunk)
    if start < file.size:
        with source(start) as stream:
            # One byte more than promised is enough to know that it is wrong, and a liar cannot fill the disk.
            while (left := file.size - start - read) >= 0 and (chunk := _read(stream, file, left + 1)):
                hasher.update(chunk)
                sink.write(chunk)
                read += len(chunk)
                if watch is not None:
                    watch(memoryview(chunk))
    return Digest(hasher.hexdigest()), read

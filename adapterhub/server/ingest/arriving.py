"""A file on its way in from a client, in order or in parts: checked against what was announced, then a blob or nothing.

incoming/<hex>.<owner>.part     in order; what a cut connection leaves, the same client goes on from
incoming/<hex>.<owner>.tmp      in parts, each at its place; holes may be in it until it is complete

Each is locked by whoever writes it, and written no more once it lies under blobs/.
"""

import fcntl
import os
import secrets
from pathlib import Path
from typing import final

from adapterhub.digest import CHUNK, Digest, new_hash
from adapterhub.durable import make_folder
from adapterhub.errors import Conflict, Corrupt, WrongUsage
from adapterhub.manifest import File
from adapterhub.regular import open_handle
from adapterhub.server.claims import Claims
from adapterhub.store.layout import Layout
from adapterhub.system import naming

__all__ = ["InOrder", "InParts", "waiting"]

AGAIN = "send the whole file again"


class _Open:
    """A file of incoming/ that this request has open and locked."""

    def __init__(self, layout: Layout, file: File, owner: str) -> None:
        self.layout, self.file, self.owner = layout, file, owner
        self.handle = -1
        self.path = layout.incoming

    def _lock(self, path: Path, how: int) -> bool:
        """Open and lock a file; False where somebody else has it, or it went to blobs/ meanwhile."""
        self.path, self.handle = path, open_handle(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(self.handle, how | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(self.handle), path.stat()):
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        self.close()
        return False

    def _write(self, data: bytes, at: int) -> None:
        with naming(self.path):
            view = memoryview(data)
            while view:
                count = os.pwrite(self.handle, view, at)
                view, at = view[count:], at + count

    def _land(self, claims: Claims) -> None:
        """Make the bytes durable and a blob; they are verified."""
        with naming(self.path):
            os.fsync(self.handle)
        claims.land(self.owner, self.file.blob, self.path)

    def _drop(self, digest: Digest) -> None:
        """Delete what is not what it was announced as, and say so."""
        self.path.unlink(missing_ok=True)
        raise Corrupt(
            f"{self.file.path}: announced as {self.file.blob}, what came is {digest}; nothing of it was kept",
            hint=AGAIN,
        )

    def close(self) -> None:
        """Let go of the file."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


@final
class InOrder(_Open):
    """One request that brings a file, or the rest of one, from a place on. Blocking; one thread at a time."""

    def begin(self, start: int) -> None:
        """Go on after `start` bytes; `Conflict` where so many are not there."""
        make_folder(self.layout.incoming)
        usual = _usual(self.layout, self.file, self.owner, "part")
        if not self._lock(usual, fcntl.LOCK_EX):
            if start:
                raise Conflict(
                    f"{self.file.path}: another request is sending it", hint="wait for that one, or begin anew"
                )
            while not self._lock(usual.with_suffix(f".{secrets.token_hex(4)}.part"), fcntl.LOCK_EX):
                pass
        there = os.fstat(self.handle).st_size
        if start > there:
            raise Conflict(f"{self.file.path}: {there} bytes are here, not {start}", hint=f"go on from {there}")
        os.truncate(self.handle, start)
        self._hasher, self._at = new_hash(), 0
        while self._at < start:
            data = os.pread(self.handle, min(CHUNK, start - self._at), self._at)
            self._hasher.update(data)
            self._at += len(data)

    def write(self, data: bytes) -> None:
        """The next bytes; more than were announced are refused."""
        if self._at + len(data) > self.file.size:
            self.path.unlink(missing_ok=True)
            raise WrongUsage(f"{self.file.path}: more than the {self.file.size} bytes that were announced", hint=AGAIN)
        self._write(data, self._at)
        self._hasher.update(data)
        self._at += len(data)

    def finish(self, claims: Claims) -> None:
        """The end of the body: a blob, if it is all there and right. A file that is too short waits for the rest."""
        if self._at < self.file.size:
            raise WrongUsage(
                f"{self.file.path}: {self._at} bytes came, {self.file.size} were announced",
                hint=f"send the rest with Content-Range from byte {self._at}, or begin anew",
            )
        if (digest := Digest(self._hasher.hexdigest())) != self.file.blob:
            self._drop(digest)
        self._land(claims)


@final
class InParts(_Open):
    """One part of a file, or the word that all parts are there. Blocking; one thread at a time."""

    def begin(self, start: int, end: int) -> None:
        """A part from `start` to before `end`. Several may be written at once."""
        make_folder(self.layout.incoming)
        if not self._lock(_usual(self.layout, self.file, self.owner, "tmp"), fcntl.LOCK_SH):
            raise Conflict(f"{self.file.path}: it is being completed", hint="all its parts were sent before")
        self._at, self._end, self._hasher = start, end, new_hash()

    def write(self, data: bytes) -> None:
        """The next bytes of the part; more than it has are refused."""
        if self._at + len(data) > self._end:
            raise WrongUsage(
                f"{self.file.path}: more bytes than the part has", hint="send parts of the size that was told"
            )
        self._write(data, self._at)
        self._hasher.update(data)
        self._at += len(data)

    def finish(self) -> str:
        """The end of the part: what the client shows again when it completes the file."""
        if self._at < self._end:
            raise WrongUsage(
                f"{self.file.path}: {self._end - self._at} bytes of a part are missing", hint="send it again"
            )
        return str(self._hasher.hexdigest())

    def complete(self, claims: Claims) -> None:
        """All parts were sent: a blob, if they make the file that was announced. Said again it does nothing."""
        if claims.holds(self.owner, self.file.blob) and self.layout.blob(self.file.blob).is_file():
            return
        if not self._lock(_usual(self.layout, self.file, self.owner, "tmp"), fcntl.LOCK_EX):
            raise Conflict(
                f"{self.file.path}: a part of it is still being sent", hint="complete it after the last part"
            )
        size = os.fstat(self.handle).st_size
        if size != self.file.size:
            raise WrongUsage(
                f"{self.file.path}: {size} of {self.file.size} bytes are here", hint="send all parts first"
            )
        hasher, at = new_hash(), 0
        while data := os.pread(self.handle, CHUNK, at):
            hasher.update(data)
            at += len(data)
        if (digest := Digest(hasher.hexdigest())) != self.file.blob:
            self._drop(digest)
        self._land(claims)


def waiting(layout: Layout, file: File, owner: str) -> int:
    """How many bytes of a file its owner has sent in order, and need not send again."""
    try:
        return min(_usual(layout, file, owner, "part").stat().st_size, file.size)
    except FileNotFoundError:
        return 0


def _usual(layout: Layout, file: File, owner: str, kind: str) -> Path:
    return layout.incoming / f"{file.sha256}.{owner}.{kind}"

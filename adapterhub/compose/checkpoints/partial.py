"""A folder that comes into being beside its place and is renamed there when it is whole.

    FOLDER.partial/plan       the digest of what is being written; written first, removed last
    FOLDER.partial/files/     finished files, each synced before it came here
    FOLDER.partial/<name>     the one being written

Whoever was stopped begins again where the last finished file ends, if the plan is the same, and from nothing if not.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.durable import make_folder, replace, sync_folder
from adapterhub.errors import Conflict, Refused

__all__ = ["Partial", "begin"]

PLAN, FILES = "plan", "files"


@final
@dataclass(frozen=True)
class Partial:
    """A folder on its way to `target`. Files are made one by one, then all are put in place."""

    target: Path
    room: Path

    @property
    def done(self) -> bool:
        """Whether an earlier run came to its end, up to the tidying."""
        return not _begun(self.room)

    def has(self, name: str) -> bool:
        """Whether a file is finished."""
        return (self.room / FILES / name).is_file()

    def make(self, name: str, write: Callable[[Path], None]) -> None:
        """One finished file: `write` makes it and syncs it under the name it is given."""
        if self.has(name):
            return
        fresh, place = self.room / "unfinished", self.room / FILES / name
        fresh.unlink(missing_ok=True)
        try:
            write(fresh)
        except OSError as error:  # a disk that is full does not say by which file
            error.filename = error.filename or str(fresh)
            raise
        fresh.chmod(0o644)
        make_folder(place.parent)
        os.replace(fresh, place)
        sync_folder(place.parent)

    def check_space(self, wanted: int) -> None:
        """`Refused` unless the disk has room for so many more bytes."""
        total, _, free = shutil.disk_usage(self.room)
        if total and free < wanted:  # a file system without a size, such as a tmpfs without a limit, says 0 of 0
            if not any((self.room / FILES).iterdir()):
                self.drop()
            raise Refused(
                f"{self.target}: {wanted} bytes are to be written, and {free} are free on this disk",
                hint="free some space or name a folder on another disk; what is finished is kept",
            )

    def finish(self) -> None:
        """Put the folder in its place."""
        if not self.done:
            (self.room / FILES).rename(self.target)
            sync_folder(self.target.parent)
        self.drop()

    def drop(self) -> None:
        """Remove what is left beside the target; the plan goes last."""
        _clear(self.room)
        (self.room / PLAN).unlink(missing_ok=True)
        self.room.rmdir()
        sync_folder(self.room.parent)


@contextlib.contextmanager
def begin(target: Path, plan: Digest) -> Iterator[Partial]:
    """The partial folder of a target, ours alone until the end; `Conflict` where the target is taken."""
    room = target.with_name(f"{target.name}.partial")
    if not _ours(room, plan):
        if target.exists() and (not target.is_dir() or _placed(target)):
            raise Conflict(f"{target}: it exists and is not empty", hint="name a folder that does not exist yet")
        if room.exists() and _foreign(room):
            raise Conflict(f"{room}: it is in the way, and not one of ours", hint="move it away or name another folder")
    make_folder(room)
    with _alone(room):
        if not _ours(room, plan) or not (_begun(room) or _placed(target)):
            # The old plan goes first and the new one comes last: a plan without its files says that they are in place.
            (room / PLAN).unlink(missing_ok=True)
            _clear(room)
            (room / FILES).mkdir()
            sync_folder(room)
            replace(room / PLAN, str(plan).encode())
        yield Partial(target, room)


def _ours(room: Path, plan: Digest) -> bool:
    return (room / PLAN).is_file() and (room / PLAN).read_bytes() == str(plan).encode()


def _begun(room: Path) -> bool:
    return (room / FILES).is_dir()


def _placed(target: Path) -> bool:
    return target.is_dir() and any(target.iterdir())


def _foreign(room: Path) -> bool:
    """Whether a folder holds what we do not put there; one without a plan was left before anything was written."""
    if not room.is_dir():
        return True
    begun = (path.name.endswith(".tmp") or (path.name == FILES and not any(path.iterdir())) for path in room.iterdir())
    return not (room / PLAN).is_file() and not all(begun)


@contextlib.contextmanager
def _alone(room: Path) -> Iterator[None]:
    handle = os.open(room, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"{room}: another process is writing it", hint="wait until it is done") from None
        if not room.is_dir() or os.fstat(handle).st_ino != room.stat().st_ino:
            raise Conflict(f"{room}: another process has just been done with it", hint="look at what it has written")
        yield
    finally:
        os.close(handle)


def _clear(room: Path) -> None:
    for path in room.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != PLAN:
            path.unlink()

"""Depots: where pieces of files wait, over many requests, for the word which files they make.

incoming/<kind>/<owner>/<depot>/    one owner's pieces; `lock` is held, shared, by whoever uses it, and touched

A client remembers what it sent to a depot and does not send it again. So a depot is there with everything in it, or it
is gone and the next one has another name: nothing is ever taken out of one. It goes when nobody used it for a while.
"""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import final

from adapterhub.durable import make_folder, sync_folder
from adapterhub.errors import NotFound
from adapterhub.regular import open_handle
from adapterhub.store.leases import is_over

__all__ = ["FULL", "KEPT", "MANY", "SHORTEST", "Depots", "held"]

FULL, MANY = 8 << 30, 4096
"""Bytes and pieces after which an owner gets a new depot; what was begun in the old one ends there."""

KEPT = 24 * 3600.0
"""Seconds a depot stays after its last use, so that the next push sends only what is new."""

SHORTEST = 2 * 3600.0
"""Seconds every depot stays: longer than what gives the right to use it."""

TRIES = 100
"""Times that a new depot is begun in an owner's empty folder, which others clean away."""

NAME = re.compile(r"[0-9a-f]{8,16}-[0-9a-f]{16}")
LOCK, OVER = "lock", "over"


@final
class Depots:
    """The depots of one kind, below incoming/. Owners are hex digits, made by the caller and never a client's words."""

    def __init__(self, incoming: Path, kind: str) -> None:
        self.folder = incoming / kind

    def current(self, owner: str) -> str:
        """The name of the depot in which an owner's next pieces belong: his newest, unless it is full or over."""
        for name in sorted(_names(self.folder / owner), reverse=True):
            with contextlib.suppress(NotFound), self.using(owner, name) as depot:
                there, pieces = held(depot)
                if not (depot / OVER).exists() and there < FULL and pieces < MANY:
                    return name
        return self._new(self.folder / owner)

    def _new(self, folder: Path) -> str:
        begun = _begin(folder)
        (begun / LOCK).touch()
        sync_folder(begun)
        name = f"{int(time.time()):08x}-{secrets.token_hex(8)}"
        begun.rename(folder / name)
        sync_folder(folder)
        return name

    @contextlib.contextmanager
    def using(self, owner: str, name: str) -> Iterator[Path]:
        """A depot's folder, which stays as long as this is open; `NotFound` where it is gone or never was."""
        depot = self.folder / owner / name
        gone = NotFound("what was sent before is no longer kept", hint="begin the upload again")
        if not NAME.fullmatch(name):
            raise gone
        try:
            handle = open_handle(depot / LOCK, os.O_RDWR)
        except (FileNotFoundError, NotADirectoryError):
            raise gone from None
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:  # somebody is deleting it
                raise gone from None
            # Between open and lock it may have been cleaned away.
            if not depot.is_dir():
                raise gone
            os.utime(handle)
            yield depot
        finally:
            os.close(handle)

    def retire(self, owner: str, name: str) -> None:
        """Let the owner's next pieces go to a new depot: something is wrong with this one."""
        with contextlib.suppress(NotFound), self.using(owner, name) as depot:
            (depot / OVER).touch()

    def clean(self, unused: float = KEPT) -> None:
        """Delete the depots nobody used for so many seconds, and what a process that died left of others."""
        life = max(unused, SHORTEST)
        for owner in _folders(self.folder):
            for depot in _folders(owner):
                if NAME.fullmatch(depot.name):
                    _delete_unused(depot, life)
                elif depot.name.startswith("."):
                    _delete_left(depot, life)
            with contextlib.suppress(OSError):  # not empty
                owner.rmdir()


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    except FileNotFoundError:
        return []


def _names(folder: Path) -> list[str]:
    return [path.name for path in _folders(folder) if NAME.fullmatch(path.name)]


def held(depot: Path) -> tuple[int, int]:
    """The bytes in a depot, and in how many files."""
    size = count = 0
    with os.scandir(depot) as found:
        for item in found:
            with contextlib.suppress(FileNotFoundError):  # what was arriving has got its name meanwhile, or ended
                size += item.stat(follow_symlinks=False).st_size
                count += 1
    return size, count


def _begin(folder: Path) -> Path:
    """A new folder inside an owner's, who may have none yet: until it is there, another request may clean that away."""
    begun = folder / f".{secrets.token_hex(8)}.tmp"
    for left in reversed(range(TRIES)):
        make_folder(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        try:
            begun.mkdir()
        except FileNotFoundError:
            if not left:
                raise
            continue
        break
    sync_folder(folder.parent)
    return begun


def _delete_left(begun: Path, life: float) -> None:
    with contextlib.suppress(FileNotFoundError):  # it has got its name
        if is_over(begun.stat().st_mtime, life, begun.parent):
            shutil.rmtree(begun, ignore_errors=True)


def _delete_unused(depot: Path, life: float) -> None:
    with contextlib.suppress(FileNotFoundError, BlockingIOError):
        if not is_over((depot / LOCK).stat().st_mtime, life, depot.parent):
            return
        handle = open_handle(depot / LOCK, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_over(os.fstat(handle).st_mtime, life, depot.parent):
                # In one step, so that nobody finds half of it.
                shutil.rmtree(depot.rename(depot.parent / f".{depot.name}.tmp"), ignore_errors=True)
        finally:
            os.close(handle)

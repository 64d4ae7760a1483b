"""Files that survive a crash: written beside, synced, then named in one step.

The order is always the same: write a sibling under a name nobody reads, fsync it, rename or link it into place, fsync
the folder. A reader sees all of a file or none of it.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from adapterhub.system import naming

__all__ = ["beside", "commit", "commit_new", "make_folder", "replace", "sync_folder", "write_new"]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with naming(folder):
            os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, each durable before anything is put into it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
    sync_folder(folder.parent)


@contextlib.contextmanager
def beside(folder: Path, mode: int = 0o644) -> Iterator[tuple[BinaryIO, Path]]:
    """A fresh file in `folder` under a name nobody reads; removed at the end unless it was committed elsewhere."""
    make_folder(folder)
    path = folder / f".{secrets.token_hex(8)}.tmp"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with naming(path), open(handle, "wb") as stream:
            yield stream, path
    finally:
        path.unlink(missing_ok=True)


def _settle(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def commit(stream: BinaryIO, path: Path, target: Path) -> None:
    """Sync a file written beside and rename it to `target`, replacing what was there."""
    _settle(stream)
    os.replace(path, target)
    sync_folder(target.parent)


def commit_new(stream: BinaryIO, path: Path, target: Path) -> None:
    """Sync a file written beside and link it as `target`; `FileExistsError` if there is one: the first writer wins."""
    _settle(stream)
    try:
        os.link(path, target)
    finally:  # also where it is there: whoever was first may have died before he came to this
        sync_folder(target.parent)


def replace(target: Path, data: bytes) -> None:
    """Write a small file in one step, replacing the old one."""
    with beside(target.parent) as (stream, path):
        stream.write(data)
        commit(stream, path, target)


def write_new(target: Path, data: bytes) -> None:
    """Write a small file that must not exist yet; `FileExistsError` if it does."""
    with beside(target.parent) as (stream, path):
        stream.write(data)
        commit_new(stream, path, target)

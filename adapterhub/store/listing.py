"""The names of very many files in one folder, kept as long as it is what it was: one `stat` instead of a list."""

import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

from adapterhub.digest import Digest

__all__ = ["Listing", "listing", "stamp_of"]

GRAIN = 2.0
"""Seconds: two changes that are closer may leave a folder with the same times. They are our own seconds, between two
looks: the clock of a file server may be another."""

FOLDERS = 8
"""Folders whose names are kept."""

Stamp = tuple[int, int, int]
"""Inode, mtime and ctime. Copying tools set the mtime back; nobody can set the ctime."""


@final
@dataclass(frozen=True)
class Listing:
    """The names that end in `.json`, in order."""

    names: tuple[str, ...] = ()

    @cached_property
    def mark(self) -> str:
        """What tells whether two lists are the same."""
        return self.mark_of(len(self.names))

    def mark_of(self, first: int) -> str:
        """The mark of the first names alone."""
        return Digest.of("\n".join(self.names[:first]).encode()).hex


@final
@dataclass(frozen=True)
class _Kept:
    stamp: Stamp
    since: float
    """When the folder was first seen to be so."""
    listed: Listing | None
    """What was in it, once no change can hide behind the same stamp."""


_KEPT: dict[Path, _Kept] = {}


def listing(folder: Path) -> Listing:
    """What is in a folder now; nothing where it is missing, or none."""
    try:
        stamp = stamp_of(folder)  # before the look: what comes meanwhile changes it again
        kept = _KEPT.get(folder)
        if kept is None or kept.stamp != stamp:
            kept = _Kept(stamp, time.monotonic(), None)
        settled = time.monotonic() - kept.since > GRAIN
        listed = kept.listed or _look(folder)
    except (FileNotFoundError, NotADirectoryError):
        return Listing()
    if folder not in _KEPT and len(_KEPT) >= FOLDERS:
        _KEPT.clear()
    _KEPT[folder] = _Kept(stamp, kept.since, listed if settled else None)
    return listed


def stamp_of(folder: Path) -> Stamp:
    """What is another after a change in a folder, unless two come within one tick of its clock."""
    found = folder.stat()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def _look(folder: Path) -> Listing:
    found = os.listdir(folder)  # noqa: PTH208  (a Path for each of 100,000 names costs as much as they do)
    return Listing(tuple(sorted(name for name in found if name.endswith(".json") and name[0] != ".")))

"""The names of very many files in one folder, kept as long as it is what it was: one `stat` instead of a list."""

import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import final

from adapterhub.digest import Digest

__all__ = ["Listing", "listing"]

GRAIN = 2_000_000_000
"""Nanoseconds: two changes that are closer may leave a folder with the same time."""

FOLDERS = 8
"""Folders whose names are kept."""


@final
@dataclass(frozen=True)
class Listing:
    """The names that end in `.json`, in order, and when the folder had changed (0 where there is none)."""

    names: list[str]
    changed: int = 0

    @cached_property
    def digest(self) -> str:
        """What tells whether two lists are the same."""
        return self.digest_of(len(self.names))

    def digest_of(self, first: int) -> str:
        """The same of the first names alone."""
        return Digest.of("\n".join(self.names[:first]).encode()).hex


_KEPT: dict[Path, Listing] = {}


def listing(folder: Path) -> Listing:
    """What is in a folder now; nothing where it is missing, or none."""
    try:
        changed = folder.stat().st_mtime_ns  # before the look: what comes meanwhile changes it again
        kept = _KEPT.get(folder)
        if kept and kept.changed == changed:
            return kept
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json") and name[0] != ".")  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return Listing([])
    found = Listing(names, changed)
    if time.time_ns() - changed > GRAIN:
        if len(_KEPT) >= FOLDERS:
            _KEPT.clear()
        _KEPT[folder] = found
    return found

"""The file of the index. Read without the database, so that `check` can throw it away cheaply."""

import os
from pathlib import Path

from adapterhub.store.layout import Layout
from adapterhub.store.locks import alone

__all__ = ["LOCK", "discard", "forget"]

LOCK = "index.lock"


def discard(path: Path) -> None:
    """Delete a database, its journal first: SQLite would play one that is left over into the next database."""
    for name in (f"{path.name}-journal", path.name):
        path.with_name(name).unlink(missing_ok=True)


def stamp(path: Path) -> bytes:
    """What is another after every change of a database; empty where there is none.

    Source: https://www.sqlite.org/fileformat2.html#file_change_counter
    """
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno())
            return b"%d.%d.%b" % (found.st_ino, found.st_size, stream.read(28)[24:])
    except OSError:
        return b""


def forget(layout: Layout) -> None:
    """Throw the index away; the next search makes it again."""
    with alone(layout.incoming, LOCK):
        discard(layout.index)

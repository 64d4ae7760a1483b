"""The file of the index. Read without the database, so that `check` can throw it away cheaply."""

from pathlib import Path

from adapterhub.store.layout import Layout
from adapterhub.store.locks import alone

__all__ = ["LOCK", "discard", "forget"]

LOCK = "index.lock"


def discard(path: Path) -> None:
    """Delete a database, its journal first: SQLite would play one that is left over into the next database."""
    for name in (f"{path.name}-journal", path.name):
        path.with_name(name).unlink(missing_ok=True)


def forget(layout: Layout) -> None:
    """Throw the index away; the next search makes it again."""
    with alone(layout.incoming, LOCK):
        discard(layout.index)

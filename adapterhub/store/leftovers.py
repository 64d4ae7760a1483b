"""What writers that died leave behind: half-written files, under names nobody reads."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from adapterhub.errors import Corrupt
from adapterhub.regular import open_regular
from adapterhub.store.depots import Depots
from adapterhub.store.layout import Layout
from adapterhub.store.leases import TTL, is_over

__all__ = ["clean"]

INCOMING = (".part", ".tmp", ".ready")
FOLDERS = ("names", "notes", "events", "bases", "repos", "cache", "runs")


def clean(layout: Layout, grace: float) -> None:
    """Delete what nobody has written to for the grace period, and no living lease can speak for."""
    life = max(grace, TTL)
    # A server's lease speaks for what is under blobs/ already.
    if not any(path for path in layout.incoming.glob("*.lease") if not path.stem.endswith(".server")):
        for path in layout.incoming.iterdir():
            if path.suffix in INCOMING:
                _delete(path, life)
    Depots(layout.incoming, "xet").clean(grace)
    for path in _beside(layout):
        _delete(path, life)


def _beside(layout: Layout) -> Iterator[Path]:
    """Files and folders that were being written beside the place they were meant for."""
    yield from layout.root.glob(".*.tmp")
    for name in FOLDERS:
        for folder, inner, files in os.walk(layout.root / name):
            found = [word for word in (*inner, *files) if word.startswith(".") and word.endswith(".tmp")]
            yield from (Path(folder, word) for word in found)


def _delete(path: Path, life: float) -> None:
    with contextlib.suppress(FileNotFoundError, BlockingIOError, Corrupt):  # what is no file is left to `check`
        if path.is_dir():
            if all(is_over(inner.stat().st_mtime, life, path.parent) for inner in (path, *path.rglob("*"))):
                shutil.rmtree(path, ignore_errors=True)
        elif is_over(path.stat().st_mtime, life, path.parent):
            with open_regular(path) as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # whoever writes a part holds it
                path.unlink()

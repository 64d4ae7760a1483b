"""The lock of a repository: one writer at a time, between processes and between threads."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.reference import Name
from adapterhub.store.layout import Layout
from adapterhub.store.locks import alone, alone_now

__all__ = ["free_now", "locked"]


class _Held(threading.local):
    """The lock files that this thread holds already."""

    def __init__(self) -> None:
        self.files: set[tuple[Path, str]] = set()


HELD = _Held()


def _file(layout: Layout, name: Name) -> tuple[Path, str]:
    # A few files for all repositories: they are never deleted, and the lock of what is not there yet has a place.
    return layout.incoming / "repos", f"{Digest.of(str(name).encode()).hex[:3]}.lock"


@contextlib.contextmanager
def locked(layout: Layout, *names: Name) -> Iterator[None]:
    """Hold the locks of repositories alone; waits. Inside, the same thread may ask for them again.

    Who needs two asks for both at once: so nobody waits in a circle.
    """
    files = sorted({_file(layout, name) for name in names} - HELD.files)
    with contextlib.ExitStack() as stack:
        for folder, name in files:
            stack.enter_context(alone(folder, name))
        HELD.files.update(files)
        try:
            yield
        finally:
            HELD.files.difference_update(files)


@contextlib.contextmanager
def free_now(layout: Layout, name: Name) -> Iterator[bool]:
    """The same without waiting: False where somebody else holds it."""
    folder, file = _file(layout, name)
    with alone_now(folder, file) as free:
        yield free

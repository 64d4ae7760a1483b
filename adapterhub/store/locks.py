"""One lock between those who name blobs and the one who deletes them.

Writers hold it shared for the moment between seeing that all blobs of an entry are there and naming the entry; a sweep
holds it alone while it deletes. So nothing can be deleted in that moment. Where a file system ignores flock, leases and
the sweep's grace period still stand between a writer and a sweep.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from adapterhub.durable import make_folder
from adapterhub.regular import open_handle
from adapterhub.system import naming

__all__ = ["alone", "alone_now", "shared"]


@contextlib.contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    make_folder(path.parent)
    handle = open_handle(path, os.O_RDWR | os.O_CREAT)
    try:
        with naming(path):
            fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def shared(folder: Path, name: str = "lock") -> contextlib.AbstractContextManager[None]:
    """Hold the lock together with others; waits while somebody holds it alone."""
    return _locked(folder / name, fcntl.LOCK_SH)


def alone(folder: Path, name: str = "lock") -> contextlib.AbstractContextManager[None]:
    """Hold the lock alone; waits until nobody else holds it. The kernel frees it when a process dies."""
    return _locked(folder / name, fcntl.LOCK_EX)


@contextlib.contextmanager
def alone_now(folder: Path, name: str = "lock") -> Iterator[bool]:
    """The same without waiting: False where somebody else holds it."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(_locked(folder / name, fcntl.LOCK_EX | fcntl.LOCK_NB))
            free = True
        except BlockingIOError:
            free = False
        yield free

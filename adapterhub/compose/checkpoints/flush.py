"""A file that is brought to the disk while it is written, so that the sync at its end has little left to wait for."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, final

__all__ = ["Flush"]

EVERY = 64 << 20
"""Bytes written between two syncs, at least."""


@final
class Flush:
    """Syncs an open file in a thread of its own, which has come to its end when `with` does."""

    def __init__(self, file: int) -> None:
        self._file, self._unsynced = file, 0
        self._thread = ThreadPoolExecutor(1, "flush")
        self._running: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()

    def wrote(self, count: int) -> None:
        """So many more bytes were written."""
        self._unsynced += count
        if self._unsynced >= EVERY and (self._running is None or self._running.done()):
            self._settle()
            self._unsynced, self._running = 0, self._thread.submit(os.fsync, self._file)

    def end(self) -> None:
        """The whole file is on the disk, or an error says why not: each sync tells what no later one does."""
        self._settle()
        os.fsync(self._file)

    def _settle(self) -> None:
        if self._running is not None:
            self._running.result()

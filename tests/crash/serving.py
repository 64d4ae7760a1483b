"""`adapterhub serve` on a disk that can be told to end it, or to be full.

    python -m tests.crash.serving '{"word": WORD, "count": N, "part": BYTES, "full": FILE}' serve …

After SIGUSR1 it dies (`kill -9`, by its own hand) at the Nth step whose path has WORD in it: before that step, or in
the middle of a write. As long as FILE is there, nothing new fits on the disk. Files larger than `part` come in parts.
"""

import errno
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from adapterhub.cli.app import main
from adapterhub.server import settings
from tests.crash.steps import Steps, watched

FREES = ("unlink", "remove", "rmdir", "rename", "replace", "chmod", "utime", "fsync")
"""What a full disk still does."""


@dataclass
class Fate(Steps):
    """Counts the steps at a place, and ends the process at one of them."""

    word: str = ""
    left: int = 0
    full: str = ""
    armed: bool = False
    log: Any = field(default_factory=lambda: deque(maxlen=0))

    def step(self) -> None:
        if self.full and Path(self.full).exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def call(self, name: str, *words: Any, **options: Any) -> Any:
        if self._is_last(" ".join(str(word) for word in words)):
            os.kill(os.getpid(), signal.SIGKILL)
        with self._roomy() if name in FREES else nullcontext():
            return super().call(name, *words, **options)

    def open(self, path: Any, flags: int, *words: Any, **options: Any) -> int:
        with self._roomy() if Path(path).exists() else nullcontext():
            return super().open(path, flags, *words, **options)

    @contextmanager
    def _roomy(self) -> Iterator[None]:
        """Where a full disk is no hindrance."""
        with self.lock:
            full, self.full = self.full, ""
            try:
                yield
            finally:
                self.full = full

    def write(self, handle: int, data: Any, write: Callable[[Any], int], at: int = -1) -> int:
        path = os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115
        if self._is_last(path):
            write(memoryview(data)[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return super().write(handle, data, write, at)

    def _is_last(self, path: str) -> bool:
        if self.armed and self.word in path:
            self.left -= 1
            return self.left == 0
        return False


def begin() -> None:
    """Serve, with this fate."""
    said = json.loads(sys.argv.pop(1))
    if part := said.get("part"):
        settings.Serving = partial(settings.Serving, part=part)  # type: ignore[assignment, misc]
    fate = Fate(word=said.get("word", ""), left=said.get("count", 0), full=said.get("full", ""))
    signal.signal(signal.SIGUSR1, lambda *_: setattr(fate, "armed", True))
    with watched(fate):
        main()


if __name__ == "__main__":
    begin()

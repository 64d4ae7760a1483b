"""Every step a process takes on the disk, seen one by one: counted, written down, or its last.

A step is a call of `os` that changes the disk, or a write through a Python file. A write has two steps, one before it
and one when half of its bytes are there. `fsync` is seen and skipped: a killed process loses nothing that it has
written, and for a power failure the log says what was synced.
"""

import builtins
import contextlib
import errno
import fcntl
import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHANGES = os.O_CREAT | os.O_TRUNC | os.O_APPEND
SEEN = ("fsync", "rename", "replace", "link", "unlink", "remove", "mkdir", "rmdir", "chmod", "utime")

real = {name: getattr(os, name) for name in (*SEEN, "open", "write", "pwrite")}
real_open = builtins.open


@dataclass(frozen=True)
class Step:
    """One thing done to the disk; paths are absolute, a handle is the number of an open file."""

    what: str
    path: str = ""
    target: str = ""
    handle: int = -1
    at: int = 0
    data: bytes = b""


@dataclass
class Steps:
    """Watches this process; dies at step `last` if there is one."""

    last: int = 0
    log: list[Step] = field(default_factory=list)
    count: int = 0
    lock: Any = field(default_factory=threading.RLock)

    def step(self) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, handle: int, data: Any, write: Callable[[Any], int], at: int = -1) -> int:
        """A write, at the place where the file stands unless one is said; in two halves where the process dies between
        them."""
        with self.lock:
            self.step()
            if at < 0:
                at = os.lseek(handle, 0, os.SEEK_CUR if not _appends(handle) else os.SEEK_END)
            if self.count + 1 == self.last:
                write(memoryview(data)[: len(data) // 2])
            self.step()
            written = write(data)
            self.log.append(Step("write", handle=handle, at=at, data=bytes(memoryview(data)[:written])))
            return written

    def call(self, name: str, *words: Any, **options: Any) -> Any:
        """One of the calls of `os`."""
        with self.lock:
            self.step()
            if name == "fsync":
                self.log.append(Step(name, handle=words[0]))
                return None
            done = real[name](*words, **options)
            where = [_path(word, options.get("dir_fd")) for word in words[:2] if isinstance(word, (str, os.PathLike))]
            self.log.append(Step("rename" if name == "replace" else "unlink" if name == "remove" else name, *where))
            return done

    def open(self, path: Any, flags: int, *words: Any, **options: Any) -> int:
        """`os.open`; only what may create or change a file is a step, and nothing is written down of who just reads."""
        with self.lock:
            if flags & (os.O_WRONLY | os.O_RDWR):
                _as_anybody(path)
            if flags & CHANGES:
                self.step()
            handle: int = real["open"](path, flags, *words, **options)
            what = "open" if not flags & os.O_TRUNC else "truncate"
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_DIRECTORY):
                self.log.append(Step(what, _path(path, options.get("dir_fd")), handle=handle))
            return handle

    def open_file(self, file: Any, mode: str = "r", *words: Any, **options: Any) -> Any:
        """`open` of Python: binary files that can be written are watched."""
        if not set(mode) & set("wxa+") or "b" not in mode:
            return real_open(file, mode, *words, **options)
        with self.lock:
            if not isinstance(file, int):
                _as_anybody(file)
                self.step()
            raw = _File(self, file, mode, options.get("opener"))
            if not isinstance(file, int):
                self.log.append(Step("truncate" if "w" in mode else "open", _path(file), handle=raw.fileno()))
        return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)


class _File(io.FileIO):
    def __init__(self, steps: Steps, file: Any, mode: str, opener: Any = None) -> None:
        super().__init__(file, mode, opener=opener)
        self.steps = steps

    def write(self, data: Any) -> int:
        return self.steps.write(self.fileno(), data, super().write)

    def truncate(self, size: int | None = None) -> int:
        with self.steps.lock:
            self.steps.step()
            self.steps.log.append(Step("cut", handle=self.fileno(), at=size or 0))
            return super().truncate(size)


def _as_anybody(path: Any) -> None:
    """Refuse to write a read-only file, as the system does unless it is root who asks."""
    if Path(path).is_file() and not Path(path).stat().st_mode & 0o200:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _appends(handle: int) -> bool:
    return bool(fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_APPEND)


def _path(path: Any, folder: int | None = None) -> str:
    where = Path(f"/proc/self/fd/{folder}").readlink() if folder is not None else Path.cwd()
    return str(where / path)


@contextlib.contextmanager
def watched(steps: Steps) -> Iterator[Steps]:
    """Let `steps` see everything this process does to the disk."""
    for name in SEEN:
        setattr(os, name, lambda *words, _name=name, **options: steps.call(_name, *words, **options))
    os.open = steps.open
    os.write = lambda handle, data: steps.write(handle, data, lambda half: real["write"](handle, half))
    os.pwrite = lambda handle, data, at: steps.write(handle, data, lambda half: real["pwrite"](handle, half, at), at)
    builtins.open = io.open = steps.open_file  # type: ignore[assignment]
    try:
        yield steps
    finally:
        for name, function in real.items():
            setattr(os, name, function)
        builtins.open = io.open = real_open

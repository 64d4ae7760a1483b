"""What a process costs, as the kernel counts it: seconds of a processor, memory, files it holds.

Source: proc(5).
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

__all__ = ["Memory", "Watched", "held_unlinked", "memory", "processor"]

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """MB of one process. `private` is in no other process, `anonymous` is no part of a file."""

    rss: float
    private: float
    anonymous: float


def processor(pid: int) -> float:
    """Seconds of a processor that a process and its living children have used."""
    return sum(_ticks(one) for one in (pid, *_children(pid))) / TICKS


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory(pid: int) -> Memory:
    """What a process holds now."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, amount = line.split()[:2]
        sizes[name.rstrip(":")] = int(amount) * 1024 / 1e6
    return Memory(sizes["Rss"], sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Anonymous"])


def held_unlinked(pid: int) -> list[str]:
    """Files that a process holds open though they have no name any more."""
    found = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(path.readlink())
        except FileNotFoundError:
            continue
        if target.endswith(" (deleted)"):
            found.append(target)
    return found


class Watched:
    """Memory of a process again and again, while this is entered: pairs of seconds and `Memory`."""

    def __init__(self, pid: int, every: float = 0.5, look: Callable[[int], Memory] = memory) -> None:
        self._pid, self._every, self._look = pid, every, look
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.seen: list[tuple[float, Memory]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def at(self, seconds: float) -> Memory:
        """What it held then, or at the end where it did not last so long."""
        return next((held for when, held in self.seen if when >= seconds), self.seen[-1][1])

    @property
    def most(self) -> Memory:
        """The most of each kind."""
        held = [one for _, one in self.seen]
        return Memory(*(max(getattr(one, kind) for one in held) for kind in ("rss", "private", "anonymous")))

    def _watch(self) -> None:
        begun = time.monotonic()
        while True:
            self.seen.append((time.monotonic() - begun, self._look(self._pid)))
            if self._end.wait(self._every):
                return

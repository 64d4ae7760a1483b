"""Time and memory by plain means: wall clock around whole processes and calls, peak memory from the kernel."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAUNCHER = """
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Row:
    """A line of the table: what was measured, in which unit, beside what, and what we aim at."""

    part: str
    what: str
    ours: float
    unit: str = "s"
    peer: float | None = None
    beside: str = ""
    aim: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None


def seconds(deed: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    deed()
    return time.perf_counter() - start


def nothing() -> None:
    """What is done between deeds that leave nothing behind."""


def interleaved(
    deeds: Mapping[str, Callable[[], object]], runs: int, after: Callable[[], object] = nothing
) -> dict[str, float]:
    """The median of so many runs of each, done in turns so that a busy moment meets all of them.

    `after` is called after each deed, unmeasured.
    """
    took: dict[str, list[float]] = {name: [] for name in deeds}
    for turn in range(runs + 1):
        for name, deed in deeds.items():
            time = seconds(deed)
            if turn:  # the first time counts for nobody: then everybody's files are in memory and compiled
                took[name].append(time)
            after()
    return {name: statistics.median(times) for name, times in took.items()}


def run(words: Sequence[str | Path]) -> str:
    """Run a process to its end and return what it printed; when it fails, say with what."""
    done = subprocess.run([str(word) for word in words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words[:3]))} … ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


CHILD = """
import importlib, json, sys
place, words = json.loads(sys.argv[1])
module, name = place.split(":")
print(json.dumps(getattr(importlib.import_module(module), name)(*words)))
"""


def apart(place: str, *words: Any) -> Any:
    """What a function, `module:name`, answers in a process of its own, which ends with all it holds."""
    return json.loads(run([sys.executable, "-W", "ignore", "-c", CHILD, json.dumps([place, words])]).splitlines()[-1])


def ours(*words: object) -> list[str]:
    """The words of a command line of ours."""
    script = Path(sys.executable).with_name("adapterhub")
    return [*([str(script)] if script.exists() else [sys.executable, "-m", "adapterhub"]), *map(str, words)]


def peak(words: Sequence[str]) -> float:
    """The most memory a process held at once, in MB.

    It is started by a small process: the kernel counts what its parent held until the program is loaded.
    """
    said = run([sys.executable, "-c", LAUNCHER, *words])
    return int(said.split()[-1]) * 1024 / 1e6

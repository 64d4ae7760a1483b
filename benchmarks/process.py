"""Whole processes, timed from outside."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

__all__ = ["ADAPTERHUB", "run", "seconds", "usage"]

ADAPTERHUB = (sys.executable, "-m", "adapterhub")


def run(words: Sequence[str | os.PathLike[str]], home: os.PathLike[str] | str) -> None:
    """Run a process to its end, quietly; an error is raised with what it said."""
    done = subprocess.run(list(map(str, words)), env=_environment(home), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[:4]}: exit {done.returncode}: {done.stderr[-500:]}")


def seconds(words: Sequence[str | os.PathLike[str]], home: os.PathLike[str] | str) -> float:
    """Seconds on the wall of a whole process."""
    start = time.perf_counter()
    run(words, home)
    return time.perf_counter() - start


def usage(words: Sequence[str | os.PathLike[str]], home: os.PathLike[str] | str) -> float:
    """The largest resident memory of a process, in MB."""
    pid = os.posix_spawnp(str(words[0]), list(map(str, words)), _environment(home), file_actions=_silent())
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"{words[:4]}: status {status}")
    return used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _environment(home: os.PathLike[str] | str) -> dict[str, str]:
    return {**os.environ, "ADAPTERHUB_HOME": str(home), "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}


def _silent() -> list[tuple[int, int, str, int, int]]:
    return [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]

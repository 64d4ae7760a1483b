"""Adding and pushing a large adapter beside copying it (with fsync) and hashing it."""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from adapterhub.hub import Hub
from benchmarks.adapters import write_adapter
from benchmarks.row import Row, interleaved

__all__ = ["measure"]

AIM = 1.5


def measure(folder: Path, *, runs: int, megabytes: int) -> list[Row]:
    adapter = write_adapter(folder / "adapter", megabytes << 20)
    weights = adapter / "adapter_model.safetensors"
    took = interleaved(
        runs,
        {
            "peer": lambda: _timed(lambda: _copy_and_sum(weights, folder / "copy")),
            "python": lambda: _timed(lambda: _copy_and_hash(weights, folder / "copy")),
            "add": lambda: _add(folder, adapter),
            "push": lambda: _push(folder, adapter),
        },
    )
    beside, size = "`cp`, fsync, `sha256sum`", f"{megabytes} MB"
    return [
        Row(f"add of {size}", took["add"], "s", took["peer"], beside, AIM),
        Row(f"push of {size} to a folder", took["push"], "s", took["peer"], beside, AIM),
        Row(f"copy, fsync and hash of {size} in Python", took["python"], "s", took["peer"], beside),
    ]


def _timed(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _copy_and_sum(source: Path, target: Path) -> None:
    """What somebody would type: cp, a sync of that file, sha256sum of the source."""
    target.unlink(missing_ok=True)
    subprocess.run(["cp", source, target], check=True)
    subprocess.run(["sync", target], check=True)
    subprocess.run(["sha256sum", source], check=True, stdout=subprocess.DEVNULL)


def _copy_and_hash(source: Path, target: Path) -> str:
    """The same in one process, in two passes."""
    target.unlink(missing_ok=True)
    shutil.copyfile(source, target)
    with target.open("rb+") as stream:
        os.fsync(stream.fileno())
    with source.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _add(folder: Path, adapter: Path) -> float:
    shutil.rmtree(folder / "store", ignore_errors=True)
    return _timed(lambda: Hub.open(folder / "store").add(adapter, "ada/large"))


def _push(folder: Path, adapter: Path) -> float:
    shutil.rmtree(folder / "team", ignore_errors=True)
    hub = Hub.open(folder / "store")
    return _timed(lambda: hub.push(["ada/large"], str(folder / "team")))

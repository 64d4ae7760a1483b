"""In and out: add and push of one adapter beside copying, syncing and hashing the same bytes."""

import hashlib
import os
import shutil
from pathlib import Path

from adapterhub.hub import Hub
from benchmarks.adapters import write_noise
from benchmarks.measure import Row, interleaved, ours, run

CHUNK = 1 << 20
NAME = "ada/large"


def measure(folder: Path, size: int, runs: int) -> list[Row]:
    """Rows of the table: as whole processes, and in this one."""
    source = write_noise(folder / "adapter", size)
    store = folder / "store"
    run(ours("add", source, NAME, "--store", store))
    there = Places(folder)
    took = interleaved(
        {
            "copy": lambda: copy_by_processes(source, there.fresh()),
            "add": lambda: run(ours("add", source, NAME, "--store", there.fresh())),
            "push": lambda: run(ours("push", NAME, "--to", f"file://{there.fresh()}", "--store", store)),
            "copy here": lambda: copy_here(source, there.fresh()),
            "add here": lambda: Hub.open(there.fresh()).add(source, NAME),
            "push here": lambda: Hub.open(store).push([NAME], f"file://{there.fresh()}"),
        },
        runs,
    )
    what = f"{round(size / 1e6)} MB"
    return [
        *(
            Row("copy", f"{name} {what}, processes", took[name], peer=took["copy"], beside=BESIDE, aim="1.5")
            for name in ("add", "push")
        ),
        *(
            Row(
                "copy",
                f"{name} {what}, in process",
                took[f"{name} here"],
                peer=took["copy here"],
                beside=HERE,
                aim="1.5",
            )
            for name in ("add", "push")
        ),
    ]


BESIDE = "cp, sync, sha256sum"
HERE = "copy, fsync, hashlib"


class Places:
    """Folders that are not there yet; the one before is thrown away."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0

    def fresh(self) -> Path:
        shutil.rmtree(self.folder / f"place-{self.count}", ignore_errors=True)
        self.count += 1
        return self.folder / f"place-{self.count}"


def copy_by_processes(source: Path, target: Path) -> None:
    """What a person would type."""
    run(["cp", "-r", source, target])
    files = sorted(target.iterdir())
    run(["sync", *files])
    run(["sha256sum", *files])


def copy_here(source: Path, target: Path) -> None:
    """The same in this process, each byte read twice as the commands do."""
    target.mkdir()
    for path in sorted(source.iterdir()):
        with path.open("rb") as stream, (target / path.name).open("wb") as sink:
            shutil.copyfileobj(stream, sink, CHUNK)
            sink.flush()
            os.fsync(sink.fileno())
        with (target / path.name).open("rb") as stream:
            hashlib.file_digest(stream, "sha256")

"""Resident memory while a large file is added: flat, whatever its size."""

from pathlib import Path

from benchmarks.adapters import write_adapter
from benchmarks.process import ADAPTERHUB, usage
from benchmarks.row import Row

__all__ = ["measure"]

AIM = 150.0


def measure(folder: Path, *, megabytes: int) -> list[Row]:
    rows = []
    for size in (1, megabytes):
        adapter = write_adapter(folder / f"adapter-{size}", size << 20)
        peak = usage([*ADAPTERHUB, "add", str(adapter), f"ada/of-{size}"], folder / "home")
        rows.append(Row(f"peak resident memory of `add`, {size} MB", peak, "MB", aim=AIM))
    return rows

"""The table, and what it was measured on: no name of a machine, no path."""

import os
import platform
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Row

PACKAGES = ("adapterhub", "huggingface-hub", "pydantic", "sqlmodel", "typer")
HEAD = """# Benchmarks

Written by `python -m benchmarks`. Medians of interleaved runs on one machine in one go; a ratio is ours divided by the
peer's, so smaller is better. Times of `search` and `list` are those beyond imports.
"""


def page(rows: Iterable[Row], load: tuple[float, float]) -> str:
    """The whole page; `load` is how many processes wanted a core, in the minutes before and at the end."""
    return "\n".join((HEAD, *_machine(load), "", *_table(rows), ""))


def _machine(load: tuple[float, float]) -> list[str]:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return [
        f"- {datetime.now(UTC):%Y-%m-%d}, load {load[0]:.1f} before the run and {load[1]:.1f} at its end",
        f"- {_processor()}, {os.cpu_count()} cores, {_memory():.0f} GB of memory, {platform.system()} "
        f"{platform.release().split('-')[0]}",
        f"- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _table(rows: Iterable[Row]) -> list[str]:
    head = ["| what | ours | beside | peer | ratio | aim |", "|---|---:|---|---:|---:|---:|"]
    return [*head, *map(_line, rows)]


def _line(row: Row) -> str:
    peer = _amount(row.peer, row.unit) if row.peer else ""
    ratio = f"{row.ratio:.2f}" if row.ratio else ""
    beside = row.beside if row.peer else ""
    return f"| {row.what} | {_amount(row.ours, row.unit)} | {beside} | {peer} | {ratio} | {row.aim} |"


def _amount(value: float, unit: str) -> str:
    return f"{value:.0f} {unit}" if unit == "MB" or value >= 100 else f"{value:.3f} {unit}"

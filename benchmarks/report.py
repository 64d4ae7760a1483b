"""The table, and what it was measured on: no name of a machine, no path."""

import os
import platform
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Row

HEAD = """# {title}

Written by `python -m benchmarks`. {how} {more}
"""
COMPARED = """Medians of interleaved runs on one machine in one go; a ratio is ours divided by the
peer's, so smaller is better."""


@dataclass(frozen=True)
class About:
    """A page: its title, what a reader should know, and the packages whose versions matter."""

    title: str
    more: str
    packages: tuple[str, ...]
    how: str = COMPARED


KEEPING = About(
    "Benchmarks",
    "Times of `search` and `list` are those beyond imports.",
    ("adapterhub", "huggingface-hub", "pydantic", "sqlmodel", "typer"),
)
COMPOSING = About(
    "Composing",
    """Everything happens on a
Llama of random weights in bf16 with TinyLlama's sizes, 1.1 billion parameters, and four adapters on all its linear
layers, in fp32 as peft saves them. Rows that say `hub.` or `adapterhub` are whole commands, with every digest verified;
those in memory begin with adapters that were read. What takes peft many minutes is measured once, on one block, times
the blocks of the model, and says so.""",
    ("adapterhub", "torch", "transformers", "peft"),
)

AUDITING = About(
    "Auditing",
    "Everything is random weights with TinyLlama's sizes, 1.1 billion parameters; adapters are in bf16.",
    ("adapterhub", "torch"),
)
TRAINING = About(
    "Training",
    """Every way to train gets the same search over learning rates, on validation rows and with the same early stopping;
test rows are looked at once, at the end, on files that were published and loaded anew. Accuracies are means over seeds
± their standard deviation.""",
    ("adapterhub", "torch", "transformers", "peft", "torchao", "scikit-learn"),
    "Real data and real weights.",
)
SERVING = About(
    "Serving",
    """The server is `adapterhub serve` as a person starts it, one process; clients
are processes of their own on the same machine, so that what they take of its cores is told.""",
    ("adapterhub", "fastapi", "uvicorn", "h11", "sqlmodel", "huggingface-hub", "httpx2"),
    "Over loopback, each beside its peer in one run.",
)


def page(about: About, rows: Iterable[Row], load: tuple[float, float]) -> str:
    """The whole page; `load` is how many processes wanted a core, in the minutes before and at the end."""
    return "\n".join((*head(about, load), "", *_table(rows), ""))


def head(about: About, load: tuple[float, float]) -> list[str]:
    """How a page begins: what it is about, and what was measured on what."""
    words = HEAD.format(title=about.title, how=about.how, more=about.more)
    return [words, *_machine(load, about.packages)]


def _machine(load: tuple[float, float], packages: Iterable[str]) -> list[str]:
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
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
    ratio = f"{row.ratio:.2f}" if row.ratio and row.ratio >= 0.1 else f"{row.ratio:.2g}" if row.ratio else ""
    beside = row.beside if row.peer else ""
    return f"| {row.what} | {_amount(row.ours, row.unit)} | {beside} | {peer} | {ratio} | {row.aim} |"


def _amount(value: float, unit: str) -> str:
    if unit in ("", "load"):
        return f"{value:.1f}" if unit else f"{value:.1e}"
    return f"{value:.0f} {unit}" if unit == "MB" or value >= 100 else f"{value:.3f} {unit}"

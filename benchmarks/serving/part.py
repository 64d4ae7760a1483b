"""The parts of serving, and the page they fill."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import SERVING, head
from benchmarks.section import Section, rendered
from benchmarks.serving.load import load
from benchmarks.serving.questions import questions
from benchmarks.serving.sizes import NAMES, Sizes
from benchmarks.serving.snapshots import snapshots
from benchmarks.serving.throughput import throughput

__all__ = ["PARTS", "measure", "page"]

KEPT = ("questions",)
"""Parts that go on with what lies in their folder: the others begin anew."""


def page(folder: Path, sizes: Sizes, parts: Iterable[str] | None = None) -> str:
    """The whole page. A store of very many that was filled in this folder before is not filled again."""
    before = os.getloadavg()[0]
    sections = measure(folder, sizes, parts)
    return "\n".join((*head(SERVING, (before, os.getloadavg()[2])), "", rendered(sections)))


def measure(folder: Path, sizes: Sizes, parts: Iterable[str] | None = None) -> list[Section]:
    """The sections of some parts, or of all."""
    found = []
    for name in parts or PARTS:
        before = os.getloadavg()[0]
        print(f"measuring serving, {name} …", file=sys.stderr, flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as place:
            section = PARTS[name](folder / name if name in KEPT else Path(place), sizes)
        words = f"{section.words} The load was {before:.1f} before, {os.getloadavg()[0]:.1f} at the end."
        found.append(Section(section.title, words, section.tables, section.aims))
        print(rendered(found[-1:]), file=sys.stderr, flush=True)  # what comes next may take long
    return found


PARTS: dict[str, Callable[[Path, Sizes], Section]] = dict(
    zip(NAMES, (load, throughput, snapshots, questions), strict=True)
)

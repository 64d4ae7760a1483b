"""`python -m benchmarks`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import copying, memory, searching, starting
from benchmarks.measure import Row
from benchmarks.report import page

RESULTS = Path(__file__).with_name("results.md")
PARTS: dict[str, Callable[[Path, argparse.Namespace], list[Row]]] = {
    "start": lambda folder, asked: starting.measure(folder, asked.runs),
    "copy": lambda folder, asked: copying.measure(folder, asked.size, asked.runs),
    "search": lambda folder, asked: searching.measure(folder, asked.entries, asked.runs),
    "memory": lambda folder, asked: memory.measure(folder, asked.memory_size),
}


def read(words: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure against the peers, in one run.")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be given more than once")
    parser.add_argument("--runs", type=int, default=11, help="runs of which the median counts")
    parser.add_argument("--entries", type=int, default=100_000, help="entries to search in")
    parser.add_argument("--size", type=int, default=100_000_000, help="bytes of the adapter that is copied")
    parser.add_argument(
        "--memory-size", type=int, default=2_000_000_000, help="bytes of the file memory is measured with"
    )
    parser.add_argument("--folder", type=Path, help="work here and not in a temporary folder")
    parser.add_argument("--output", type=Path, help="write the page here; without parts left out, results.md")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Measure, print the table, and write it where everything was measured."""
    asked = read(words)
    load = os.getloadavg()[0]
    rows: list[Row] = []
    for name in asked.only or PARTS:
        with tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-") as folder:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            rows += (found := PARTS[name](Path(folder), asked))
        for row in found:
            print(f"  {row.what}: {row.ours:.3f} {row.unit}", file=sys.stderr, flush=True)
    text = page(rows, (load, os.getloadavg()[2]))
    print(text)
    if output := asked.output or (None if asked.only else RESULTS):
        output.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])

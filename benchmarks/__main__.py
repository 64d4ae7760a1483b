"""Run the benchmarks and write the table.

python -m benchmarks                                  everything, as published in results.md
python -m benchmarks --only search --entries 1000     a part, printed only
"""

import argparse
import datetime
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks import memory, moving, searching, start
from benchmarks.row import Row, table

__all__ = ["PARTS", "main"]

PARTS = {
    "start": lambda folder, args: start.measure(folder, runs=args.runs),
    "moving": lambda folder, args: moving.measure(folder, runs=args.runs, megabytes=args.megabytes),
    "search": lambda folder, args: searching.measure(folder, runs=min(args.runs, 5), entries=args.entries),
    "memory": lambda folder, args: memory.measure(folder, megabytes=args.large),
}
RESULTS = Path(__file__).with_name("results.md")
PACKAGES = ("adapterhub", "huggingface-hub", "pydantic", "sqlmodel", "typer")


def main(words: list[str] | None = None) -> None:
    """Measure what is asked for; write results.md when that is everything at full size."""
    parser = argparse.ArgumentParser("benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be repeated")
    parser.add_argument("--runs", type=int, default=11, help="rounds, of which the median counts")
    parser.add_argument("--megabytes", type=int, default=100, help="size of the adapter that is added and pushed")
    parser.add_argument("--large", type=int, default=2048, help="size in MB of the file whose memory is measured")
    parser.add_argument("--entries", type=int, default=100_000, help="entries to search")
    args = parser.parse_args(words)
    before, rows = os.getloadavg()[0], list[Row]()
    for part in args.only or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            rows += PARTS[part](Path(folder), args)
    text = page(rows, args, before)
    print(text)
    if words is None and args == parser.parse_args([]):
        RESULTS.write_text(text)


def page(rows: list[Row], args: argparse.Namespace, load: float) -> str:
    """The table, and what it was measured on."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""# Measured

{datetime.date.today()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python \
{platform.python_version()}, {packages}. Load before the first run: {load:.1f}. Medians of {args.runs} rounds (search: \
{min(args.runs, 5)}); what is compared took turns in the same run. A ratio below 1 is faster than the peer.

{table(rows)}
"""


if __name__ == "__main__":
    main()

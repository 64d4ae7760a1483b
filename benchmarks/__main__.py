"""`python -m benchmarks`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from pathlib import Path

from benchmarks import auditing, bases, comparing, copying, memory, searching, starting
from benchmarks.composing import part as composing
from benchmarks.composing.scene import Shape
from benchmarks.measure import Row
from benchmarks.report import AUDITING, COMPOSING, KEEPING, page
from benchmarks.serving import sizes as serving
from benchmarks.training import sizes as training

PARTS: dict[str, Callable[[Path, argparse.Namespace], list[Row]]] = {
    "start": lambda folder, asked: starting.measure(folder, asked.runs),
    "copy": lambda folder, asked: copying.measure(folder, asked.size, asked.runs),
    "search": lambda folder, asked: searching.measure(folder, asked.entries, asked.runs),
    "memory": lambda folder, asked: memory.measure(folder, asked.memory_size),
    "compose": lambda folder, asked: composing.measure(folder, Shape(asked.layers), asked.runs, asked.compose),
    "audit": lambda folder, asked: auditing.measure(folder, Shape(asked.layers), asked.adapters, asked.runs),
    "bases": lambda folder, asked: bases.measure(folder, asked.base_size, asked.runs),
    "compare": lambda folder, asked: comparing.measure(folder, Shape(asked.layers)),
}
PAGES = {
    "results.md": (KEEPING, ["start", "copy", "search", "memory"]),
    "composing.md": (COMPOSING, ["compose"]),
    "auditing.md": (AUDITING, ["audit", "bases", "compare"]),
}
OWN = {"train": training, "serve": serving}
"""Parts whose pages have tables of their own: which sizes they have, and which parts."""


def read(words: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure against the peers, in one run.")
    parser.add_argument("--only", choices=[*PARTS, *OWN], action="append", help="one part; may be given more than once")
    parser.add_argument("--runs", type=int, default=11, help="runs of which the median counts")
    parser.add_argument("--entries", type=int, default=100_000, help="entries to search in")
    parser.add_argument("--adapters", type=int, default=10_000, help="adapters of the matrix of the audit")
    parser.add_argument("--size", type=int, default=100_000_000, help="bytes of the adapter that is copied")
    parser.add_argument(
        "--memory-size", type=int, default=2_000_000_000, help="bytes of the file memory is measured with"
    )
    parser.add_argument("--base-size", type=int, default=2_000_000_000, help="bytes of the base that is hashed")
    parser.add_argument("--layers", type=int, default=Shape.layers, help="blocks of the Llama that composing works on")
    parser.add_argument("--compose", choices=composing.PARTS, action="append", help="one part of composing")
    for name, module in OWN.items():
        package = module.__name__.split(".")[1]
        parser.add_argument(f"--{name}", choices=module.NAMES, action="append", help=f"one part of {package}")
        for field in fields(module.Sizes):
            about = f"of {package}, {field.default} unless said: see benchmarks/{package}/sizes.py"
            parser.add_argument(f"--{name}-{field.name}", type=type(field.default), default=field.default, help=about)
    parser.add_argument("--folder", type=Path, help="work here; what was measured or filled there is not done again")
    parser.add_argument("--output", type=Path, help="write one page here, whatever was measured")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Measure, print the tables, and write the pages where everything was measured."""
    asked = read(words)
    for name, (about, parts) in PAGES.items():
        if wanted := [part for part in parts if part in (asked.only or PARTS)]:
            load = os.getloadavg()[0]
            rows = [row for part in wanted for row in measured(part, asked)]
            told(page(about, rows, (load, os.getloadavg()[2])), name, asked)
    for name, module in OWN.items():
        if name in (asked.only or OWN):
            package = module.__name__.split(".")[1]
            told(of_its_own(name, package, asked), f"{package}.md", asked)


def told(text: str, name: str, asked: argparse.Namespace) -> None:
    """Print a page; write it where everything was measured, or where it was asked for."""
    print(text)
    if output := asked.output or (None if asked.only else Path(__file__).with_name(name)):
        output.write_text(text)


def of_its_own(name: str, package: str, asked: argparse.Namespace) -> str:
    """A page with tables of its own; in a folder that is named, what was found there before is used again."""
    part, kind = import_module(f"benchmarks.{package}.part"), OWN[name].Sizes
    sizes = kind(**{field.name: getattr(asked, f"{name}_{field.name}") for field in fields(kind)})
    with tempfile.TemporaryDirectory() as place:
        text: str = part.page((asked.folder or Path(place)).absolute() / package, sizes, getattr(asked, name))
    return text


def measured(name: str, asked: argparse.Namespace) -> list[Row]:
    """The rows of a part, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="benchmark-") as folder:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows = PARTS[name](Path(folder), asked)
    for row in rows:
        print(f"  {row.what}: {row.ours:.4g} {row.unit}", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])

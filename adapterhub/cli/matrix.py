"""The matrix of many adapters and many bases: a row each, a column each, a coloured word or letter where they meet."""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapterhub.audit.report import VERDICTS
from adapterhub.cli.output import say
from adapterhub.cli.text import clean, cut, cut_front, paint, screen, wide

if TYPE_CHECKING:
    from adapterhub.audit.report import Report, Verdict

    Base = tuple[str, str]
    Rows = dict[str, dict[Base, Verdict]]

__all__ = ["print_matrix"]

LETTERS: "dict[Verdict, str]" = {
    "exact": "E", "cast": "C", "unpinned": "U", "drifted": "D", "partial": "P", "misfit": "·",
}  # fmt: skip
WORD = max(map(len, LETTERS)) + 2
"""Columns of a cell that holds a word."""

HEADING = 22
"""The most columns that a base's name is given above its own."""

WORDS = 5
"""Up to so many bases have their name above their column; more are numbered, with a legend."""

NAME = 28
"""Columns a name of an adapter keeps where the terminal is narrow."""

SHORTEST = 8
"""Columns it keeps on the narrowest."""

NOWHERE = 5


def print_matrix(reports: "Sequence[Report]", colours: "dict[Verdict, str]") -> None:
    """The matrix, its legend, and which adapters fit nothing."""
    rows: Rows = {}
    bases: dict[Base, str] = {}
    for report in reports:
        base = (report.base.name, report.base.weights_digest or report.base.layout_digest)
        bases[base] = clean(report.base.name)
        rows.setdefault(clean(report.adapter), {})[base] = report.verdict
    numbered = len(bases) > WORDS
    _print_cells(rows, bases, colours, numbered=numbered)
    _print_legend(reports, list(bases.values()) if numbered else [], colours)
    nowhere = [adapter for adapter, verdicts in rows.items() if {*verdicts.values()} <= {"misfit", "partial"}]
    if nowhere:
        more = f" and {len(nowhere) - NOWHERE} more" if len(nowhere) > NOWHERE else ""
        say(f"fits none of these bases: {', '.join(nowhere[:NOWHERE])}{more}")


def _print_cells(rows: "Rows", bases: "dict[Base, str]", colours: "dict[Verdict, str]", *, numbered: bool) -> None:
    """As many columns side by side as fit, the others below."""
    width, names = screen(sys.stdout), max(map(wide, rows))
    cell = len(str(len(bases))) + 2 if numbered else max(WORD, 2 + min(HEADING, max(map(wide, bases.values()))))
    if width is not None:
        cell = cell if numbered else max(WORD, min(cell, width - min(names, NAME)))
        names = min(names, max(NAME, width - cell * len(bases)), max(SHORTEST, width - cell))
    room = len(bases) if width is None else max(1, (width - names) // cell)
    heads = {
        base: str(place) if numbered else cut_front(name, cell - 2)
        for place, (base, name) in enumerate(bases.items(), 1)
    }
    order = list(bases)
    for part in (order[start : start + room] for start in range(0, len(order), room)):
        print(paint(" " * names + "".join(" " * (cell - wide(heads[base])) + heads[base] for base in part), "bold"))
        for adapter, verdicts in rows.items():
            name = cut_front(adapter, names)
            told = "".join(_cell(verdicts.get(base), cell, colours, short=numbered) for base in part)
            print(f"{name}{' ' * (names - wide(name))}{told}".rstrip())
        print()


def _cell(verdict: "Verdict | None", width: int, colours: "dict[Verdict, str]", *, short: bool) -> str:
    if verdict is None:
        return " " * width
    text = LETTERS[verdict] if short else verdict
    return " " * (width - len(text)) + paint(text, "dim" if verdict == "misfit" else colours[verdict])


def _print_legend(reports: "Sequence[Report]", bases: Sequence[str], colours: "dict[Verdict, str]") -> None:
    """What each number and letter stands for, and how often it is there."""
    for number, base in enumerate(bases, 1):
        print(f"{number:>{len(str(len(bases)))}}  {base}")
    if bases:
        print()
    count = Counter(report.verdict for report in reports)
    digits = len(str(max(count.values())))
    for verdict, about in VERDICTS.items():
        if count[verdict]:
            letter = f"{paint(LETTERS[verdict], colours[verdict])}  " if bases else ""
            line = f"{count[verdict]:>{digits}}  {letter}{paint(verdict.ljust(WORD), colours[verdict])}"
            print(f"{line}{_about(about, digits + 2 + (3 if bases else 0) + WORD)}")


def _about(text: str, taken: int) -> str:
    width = screen(sys.stdout)
    return text if width is None else cut(text, width - taken)

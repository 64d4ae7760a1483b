"""How alike adapters are, for people: matrices of a few, the closest pairs of many, then what to make of it."""

import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from adapterhub.base.fold import fold
from adapterhub.cli.output import print_findings, say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean, cut_front, paint, screen, wide

if TYPE_CHECKING:
    from adapterhub.audit.comparison import Advice, Comparison, Measure, Pair

__all__ = ["print_comparison"]

MATRICES = 8
"""Up to so many adapters fit a matrix on a terminal; of more, and of two, pairs are listed."""

SAME = 0.999
"""From here on one is the other but for its length, which is told then."""

CLOSEST = 10
FEW = 3
CELL = 7
NAME = 80 - MATRICES * CELL - 3
PAIRS = (
    Column("A", keep=10, front=True), Column("B", keep=10, front=True), Column("COSINE", right=True),
    Column("OVERLAP", right=True), Column("BY CHANCE", right=True, keep=0), Column("SIGN CONFLICT", right=True),
    Column("SVD ERROR", right=True, keep=0),
)  # fmt: skip
MODULES = (
    Column("MODULES", keep=20), Column("COSINE", right=True), Column("OVERLAP", right=True),
    Column("SIGN CONFLICT", right=True),
)  # fmt: skip
MEASURES: "tuple[Measure, ...]" = ("cosine", "overlap", "sign_conflict")


def print_comparison(compared: "Comparison", *, modules: bool = False) -> None:
    """The numbers, and below them the advice in words."""
    shown = sorted(compared.pairs, key=lambda pair: -abs(pair.cosine or 0.0))[:CLOSEST]
    if 2 < len(compared.adapters) <= MATRICES:
        _print_matrices(compared)
    else:
        print_table(PAIRS, [_row(pair) for pair in shown])
        if len(compared.pairs) > len(shown):
            say(f"the {len(shown)} closest of {len(compared.pairs)} pairs; --json has them all")
    for pair in shown if modules else ():
        print(f"\n{paint(f'{clean(pair.a)} and {clean(pair.b)}', 'bold')}")
        print_table(MODULES, _modules(pair))
    print()
    for one in compared.advice:
        _print_advice(one, _concerned(one, compared))
    print_findings(compared.findings)


def _print_matrices(compared: "Comparison") -> None:
    names = [f"{place} {clean(one.reference)}" for place, one in enumerate(compared.adapters, 1)]
    column = min(NAME, max(map(wide, (*names, *MEASURES))))
    for measure in MEASURES:
        heading = f"\n{measure.replace('_', ' ').ljust(column)}" if measure != MEASURES[0] else measure.ljust(column)
        print(paint(heading + "".join(f"{place:>{CELL}}" for place in range(1, len(names) + 1)), "bold"))
        for place, (name, row) in enumerate(zip(names, compared.matrix(measure), strict=True)):
            number, _, rest = name.partition(" ")
            label = f"{number} {cut_front(rest, column - len(number) - 1)}"
            cells = ("·".rjust(CELL) if at == place else _cell(measure, value) for at, value in enumerate(row))
            print(label + " " * (column - wide(label)) + "".join(cells))


def _cell(measure: "Measure", value: float | None) -> str:
    text = _number(value, signed=measure == "cosine").rjust(CELL)
    if value is None or abs(value) < (0.1 if measure == "cosine" else 0.2):
        return paint(text, "dim")
    if measure != "overlap" and (value < -0.5 or (measure == "sign_conflict" and value > 0.55)):
        return paint(text, "error")
    return paint(text, "warning") if measure != "sign_conflict" and value > 0.5 else text


def _number(value: float | None, *, signed: bool = False) -> str:
    return "–" if value is None else f"{value:{'+' if signed else ''}z.2f}"


def _row(pair: "Pair") -> list[str]:
    return [
        pair.a,
        pair.b,
        _number(pair.cosine, signed=True),
        *(
            _number(number if pair.common else None)
            for number in (pair.overlap, pair.overlap_by_chance, pair.sign_conflict)
        ),
        _number(pair.svd_error),
    ]


def _modules(pair: "Pair") -> list[list[str]]:
    """A row for the modules that differ in their first number alone, with the least and the largest of each number."""
    alike: dict[str, list[str]] = {}
    for module in pair.modules:
        alike.setdefault(re.sub(r"(^|\.)\d+(?=\.|$)", r"\1#", module, count=1), []).append(module)
    return [
        [", ".join(fold(names)), *(_range([pair.modules[name][measure] for name in names]) for measure in MEASURES)]
        for names in alike.values()
    ]


def _range(values: Sequence[float]) -> str:
    ends = dict.fromkeys(_number(value) for value in (min(values), max(values)))
    return " … ".join(ends)


def _concerned(one: "Advice", compared: "Comparison") -> list[str]:
    """Whom advice is about, in words."""
    if one.rule == "nothing":
        return [row.reference for row in compared.adapters if not row.norm]
    pairs = {(pair.a, pair.b): pair for pair in compared.pairs}
    return [_words(pairs[names]) for names in one.pairs]


def _words(pair: "Pair") -> str:
    cosine = pair.cosine or 0.0
    if pair.ratio and abs(cosine) > SAME:
        return f"{pair.b} is {pair.ratio if cosine > 0 else -pair.ratio:.4g} × {pair.a}"
    return f"{pair.a} and {pair.b}"


def _print_advice(one: "Advice", whom: Sequence[str]) -> None:
    """Whom it is about, then what to make of it."""
    if not whom:
        _print_wrapped(one.message)
        return
    more = f" and {len(whom) - FEW} more" if len(whom) > FEW else ""
    _print_wrapped(clean("; ".join(whom[:FEW])) + more)
    methods = f" [{', '.join(one.methods)}]" if one.methods else ""
    _print_wrapped(f"→ {one.message}{methods}", "  ")


def _print_wrapped(text: str, indent: str = "") -> None:
    width = screen(sys.stdout)
    lines: Iterable[str] = [text] if width is None else textwrap.wrap(text, max(20, width - 4), break_on_hyphens=False)
    for number, line in enumerate(lines):
        print(f"{indent}{'  ' if number and indent else ''}{line}")

"""What a part of the page says: words, tables, and what was aimed at beside what was got."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Aim", "Section", "Table", "megabytes", "percent", "rendered", "table"]

Table = Sequence[Sequence[str]]
"""Rows of cells; the first is the head."""


@dataclass(frozen=True)
class Aim:
    """What was aimed at, what came out, and whether that is it."""

    what: str
    wanted: str
    got: str
    met: bool


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    title: str
    words: str
    tables: Sequence[Table]
    aims: Sequence[Aim]


def rendered(sections: Iterable[Section]) -> str:
    """The aims of all sections in one table, then each section."""
    known = list(sections)
    aims = [(one.what, one.wanted, one.got, "yes" if one.met else "**no**") for part in known for one in part.aims]
    blocks = [table([("aim", "wanted", "got", "met"), *aims])]
    for part in known:
        blocks += [f"## {part.title}", part.words, *map(table, part.tables)]
    return "\n\n".join(blocks) + "\n"


def table(rows: Table) -> str:
    """Markdown; the first column to the left, the others to the right."""
    head, *body = rows
    line = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, line, *body))


def percent(share: float, digits: int = 1) -> str:
    """0.1234 as 12.3 %."""
    return f"{100 * share:.{digits}f} %"


def megabytes(count: float) -> str:
    """Bytes as MB."""
    return f"{count / 1e6:,.1f}" if count < 1e8 else f"{count / 1e6:,.0f}"

"""Tables that never wrap: aligned columns, the least important ones shortened, then left out, until a line fits."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from adapterhub.cli.text import clean, cut, cut_front, paint, screen, wide

__all__ = ["Column", "lines", "print_table"]

GAP = "  "


@final
@dataclass(frozen=True)
class Column:
    """A heading, and how its cells are shown.

    Where a table is too wide, columns give way in the order of `yields`, the smallest first: each is shortened to
    `keep` columns of text, at the `front` where cells differ at their end, and never below its heading; with a `keep`
    of 0 it is left out. Where that is not enough, they are left out in the same order, those without a `keep` later;
    the first column always stays.
    """

    title: str
    right: bool = False
    keep: int | None = None
    yields: int = 0
    front: bool = False


def lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """The heading and the rows as aligned text; columns that are empty in every row are left out.

    >>> lines([Column("NAME", keep=4), Column("RANK", right=True)], [["ada/poet", "8"]], width=12)
    ['NAME    RANK', 'ada/p…     8']
    """
    table = [[column.title for column in columns], *([clean(cell) for cell in row] for row in rows)]
    natural = [max(wide(row[i]) for row in table) for i in range(len(columns))]
    told = [i for i in range(len(columns)) if any(row[i] for row in table[1:])] or [0]
    widths = _fit(columns, {i: natural[i] for i in told}, width)
    return [_line([(columns[i], widths[i], row[i]) for i in widths]) for row in table]


def _fit(columns: Sequence[Column], natural: dict[int, int], width: int | None) -> dict[int, int]:
    """Widths that together fit, by column; what was taken without need is given back."""
    widths = dict(natural)
    if width is None:
        return widths
    order = sorted(natural, key=lambda i: (columns[i].keep is None, columns[i].yields))
    for i in order:
        keep = columns[i].keep
        if keep is not None and _over(widths, width) > 0:
            widths[i] = min(widths[i], max(keep, wide(columns[i].title)))
            if not keep and i != min(natural):
                del widths[i]
    for i in [i for i in order if i != min(natural)]:
        if i in widths and _over(widths, width) > 0:
            del widths[i]
    for i in [i for i in reversed(order) if i in widths]:
        widths[i] = min(natural[i], widths[i] - _over(widths, width))
    return widths


def _over(widths: dict[int, int], width: int) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1) - width


def _line(cells: Sequence[tuple[Column, int, str]]) -> str:
    shown = []
    for column, width, text in cells:
        text = (cut_front if column.front else cut)(text, width)
        space = " " * (width - wide(text))
        shown.append(space + text if column.right else text + space)
    return GAP.join(shown).rstrip()


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Print a table, cut to the terminal's width where there is one."""
    width = screen(sys.stdout)
    heading, *body = lines(columns, rows, width and width - len(indent))
    print(indent + paint(heading, "bold"))
    for line in body:
        print(indent + line)

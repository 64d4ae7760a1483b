"""What a task needs of a table: that its columns are there, and that no cell of them is empty."""

from collections.abc import Mapping
from typing import Any

from adapterhub.errors import WrongUsage
from adapterhub.train.data.table import Table
from adapterhub.train.data.words import meant, some

__all__ = ["insist", "is_empty"]

SHOWN = 3
"""How many places an error names."""


def insist(table: Table, wanted: Mapping[str, str]) -> None:
    """`WrongUsage` unless the table has every column, filled in every row.

    `wanted` is field of the config's `data` -> column: {"text": "review", "label": "stars"}.
    """
    for field, column in wanted.items():
        if column not in table.columns:
            raise WrongUsage(
                f"{table.name} has no column {column!r} (data.{field}); it has {some(table.columns)}",
                hint=meant(column, table.columns) or f"say which of them it is: `data: {{{field}: COLUMN}}`",
            )
    for field, column in wanted.items():
        if empty := [row for row, cell in enumerate(table.column(column)) if is_empty(cell)]:
            places = "; ".join(table.place(row) for row in empty[:SHOWN])
            raise WrongUsage(
                f"{len(empty)} of {len(table)} rows have nothing in column {column!r} (data.{field}): {places}"
                + ("; …" if len(empty) > SHOWN else ""),
                hint="fill these cells, or leave the rows out",
            )


def is_empty(cell: Any) -> bool:
    """Whether a cell says nothing: none, blank text, an empty list, no number. Zero and false say something."""
    if isinstance(cell, str):
        return not cell or cell.isspace()
    return cell is None or (isinstance(cell, float) and cell != cell) or (isinstance(cell, list | dict) and not cell)

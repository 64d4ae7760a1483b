"""CSV and TSV: the first record names the columns, a quoted cell may hold line breaks. RFC 4180; cells stay text.

text,label
"two
lines",good          begins in line 2
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager

from adapterhub.errors import WrongUsage
from adapterhub.number import number
from adapterhub.train.data.readers.source import Source
from adapterhub.train.data.table import Table

__all__ = ["read"]

QUOTES = 'a cell with a comma, a quote or a line break stands in quotes: "so", and a quote in it is written twice'
NAMES = "the first line names the columns, such as: text,label"


def read(source: Source) -> Table:
    """The table of a file; `Corrupt` for a record that has not one cell for each column."""
    text = source.text()
    with _long_cells(len(text)):
        records = _records(source, text, _delimiter(source.suffix, text))
        columns = _header(source, *next(records, (1, [])))
        rows, numbers = [], []
        for line, cells in records:
            if len(cells) != len(columns):
                raise source.broken(f"line {line}", f"got {len(cells)} cells, wanted {len(columns)}", hint=QUOTES)
            rows.append(dict(zip(columns, cells, strict=True)))
            numbers.append(line)
    return source.table(columns, rows, "line", numbers)


@contextmanager
def _long_cells(longest: int) -> Iterator[None]:
    """Documents may be longer than the module's limit, 128 KiB a cell, which belongs to the process."""
    limit = csv.field_size_limit()
    csv.field_size_limit(max(limit, longest))
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _records(source: Source, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, each with the line it begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if cells:
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise source.broken(f"line {begins}", f"cannot be read: {error}", hint=QUOTES) from None


def _delimiter(suffix: str, text: str) -> str:
    """What stands between cells. Where the comma is the decimal sign, programs write CSV with semicolons."""
    first = text.lstrip("\r\n").partition("\n")[0]
    if suffix == ".tsv":
        return "\t"
    return ";" if ";" in first and len(next(csv.reader([first]), [])) == 1 else ","


def _header(source: Source, line: int, names: list[str]) -> list[str]:
    if not names:
        raise WrongUsage(f"{source.name}: the file is empty", hint=NAMES)
    if all(number(name) is not None for name in names):
        raise source.broken(f"line {line}", "numbers, where the names of the columns should stand", hint=NAMES)
    unnamed = [str(column) for column, name in enumerate(names, 1) if not name.strip()]
    if len(unnamed) > 1:  # one is the index that pandas writes
        raise source.broken(f"line {line}", f"columns {', '.join(unnamed)} have no name", hint=NAMES)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise source.broken(f"line {line}", f"several columns are called {twice[0]!r}", hint="give each its own name")
    return names

"""Parquet, read by pyarrow. Cells become Python's own values: numbers, text, lists, dates, bytes."""

from adapterhub.errors import Refused
from adapterhub.train.data.readers.source import Source
from adapterhub.train.data.table import Table

__all__ = ["read"]

HINT = "write it again, or give the rows as JSONL"


def read(source: Source) -> Table:
    """The table of a file; `Refused` where pyarrow is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise Refused(
            f"{source.name}: Parquet is read by pyarrow, which is not installed",
            hint="pip install 'adapterhub[train]', or give the rows as CSV or JSONL",
        ) from None
    try:
        with parquet.ParquetFile(pyarrow.BufferReader(source.data)) as file:
            table = file.read()
    except (pyarrow.ArrowException, OSError) as error:
        raise source.broken("row 1", f"not Parquet, or damaged: {error}", hint=HINT) from None
    columns: list[str] = table.column_names
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise source.broken("row 1", f"several columns are called {twice[0]!r}", hint="give each its own name")
    cells = [column.to_pylist() for column in table.columns]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]
    return source.table(columns, rows, "row", range(1, len(rows) + 1))

"""A dataset by its content: how many rows, and the digest of all of them."""

from typing import Any

from adapterhub.digest import Digest, new_hash

__all__ = ["described"]

ROWS = 1000
"""Rows that are written at a time, so that a table has one digest however it is cut into chunks."""


def described(dataset: Any) -> dict[str, Any]:
    """`rows`, and for a table of the datasets library `columns` and `digest`; nothing for what has no end.

    The digest is the sha256 of the rows in order, as an Arrow stream without its metadata: of what the Trainer was
    given, which is tokenised already. Other datasets make their rows when asked, and nobody promises the same twice.
    """
    if dataset is None or not hasattr(dataset, "__len__"):
        return {}
    said: dict[str, Any] = {"rows": len(dataset)}
    if hasattr(dataset, "column_names") and hasattr(dataset, "with_format"):
        said |= {"columns": sorted(dataset.column_names), "digest": str(_digest(dataset))}
    return said


def _digest(dataset: Any) -> Digest:
    import pyarrow

    sink, table = _Hashed(), dataset.with_format("arrow")
    writer = None
    for start in range(0, len(table), ROWS):
        rows = table[start : start + ROWS].combine_chunks().replace_schema_metadata(None)
        rows = rows.select(sorted(rows.column_names))
        writer = writer or pyarrow.ipc.new_stream(pyarrow.PythonFile(sink, mode="w"), rows.schema)
        writer.write_table(rows)
    if writer:
        writer.close()
    return Digest(sink.hash.hexdigest())


class _Hashed:
    """A file that only remembers the digest of what was written."""

    closed = False

    def __init__(self) -> None:
        self.hash = new_hash()

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        self.closed = True

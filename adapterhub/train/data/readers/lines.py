"""JSONL, also called NDJSON: an object a line; blank lines mean nothing. Cells keep their types."""

from typing import Any

from adapterhub.train.data.readers.json_text import columns_of, parse
from adapterhub.train.data.readers.source import Source
from adapterhub.train.data.table import Table

__all__ = ["read"]

HINT = 'each line is one object, such as {"text": "…", "label": "…"}'


def read(source: Source) -> Table:
    """The table of a file; its columns are all keys there are."""
    rows: list[dict[str, Any]] = []
    numbers = []
    for line, text in enumerate(source.text().split("\n"), 1):
        if not text or text.isspace():
            continue
        row = parse(source, text, line, hint=HINT)
        if not isinstance(row, dict):
            raise source.broken(f"line {line}", f"got {text.strip()[:40]!r}, wanted an object", hint=HINT)
        rows.append(row)
        numbers.append(line)
    return source.table(columns_of(rows), rows, "line", numbers)

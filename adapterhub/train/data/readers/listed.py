"""JSON: one list of objects. Cells keep their types."""

from adapterhub.errors import WrongUsage
from adapterhub.train.data.readers.json_text import columns_of, parse
from adapterhub.train.data.readers.source import Source
from adapterhub.train.data.table import Table

__all__ = ["read"]

HINT = 'the file is one list of objects, such as [{"text": "…"}]; with an object a line it is called .jsonl'


def read(source: Source) -> Table:
    """The table of a file; its columns are all keys there are, and a row's place is its number in the list."""
    text = source.text()
    if not text.strip():
        raise WrongUsage(f"{source.name}: the file is empty", hint=HINT)
    rows = parse(source, text, hint=HINT)
    if not isinstance(rows, list):
        raise source.broken("line 1", f"got {text.strip()[:40]!r}, wanted a list of objects", hint=HINT)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise source.broken(f"row {number}", f"got {str(row)[:40]!r}, wanted an object", hint=HINT)
    return source.table(columns_of(rows), rows, "row", range(1, len(rows) + 1))

"""Sentences as words with tags: two lists of one length in a row, or two texts with spaces between."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from adapterhub.errors import WrongUsage
from adapterhub.train.data.labels import encode
from adapterhub.train.data.table import Table

__all__ = ["apart", "tagged"]


def apart(table: Table, words: str, tags: str) -> Table:
    """The table with a row for each word, so that its tags are labels like any others."""
    rows, places = [], []
    for index, row in enumerate(table.rows):
        place = table.place(index)
        said, named = _listed(row.get(words), words, place), _listed(row.get(tags), tags, place)
        if len(said) != len(named):
            raise WrongUsage(
                f"{place}: {len(said)} words in column {words!r}, but {len(named)} tags in column {tags!r}",
                hint="each word has one tag",
            )
        rows += [{words: str(word), tags: tag} for word, tag in zip(said, named, strict=True)]
        places += [f"{place}, word {number}" for number in range(1, len(said) + 1)]
    return replace(table, columns=(words, tags), rows=rows, places=places)


def tagged(table: Table, words: str, tags: str, labels: Sequence[str]) -> list[tuple[list[str], list[int]]]:
    """The sentences: words, and the number of each one's tag."""
    flat = apart(table, words, tags)
    said, numbers = iter(flat.column(words)), iter(encode(flat, tags, labels))
    counts = [len(_listed(row.get(words), words, "")) for row in table.rows]
    return [([next(said) for _ in range(count)], [next(numbers) for _ in range(count)]) for count in counts]


def _listed(cell: Any, column: str, place: str) -> list[Any]:
    if isinstance(cell, str):
        return cell.split()
    if not isinstance(cell, Sequence):
        raise WrongUsage(
            f"{place}: wanted a list in column {column!r}, got {type(cell).__name__} {str(cell)[:40]!r}",
            hint='a JSONL or Parquet file has lists: {"tokens": ["Ada", "wrote"], "tags": ["B-PER", "O"]}',
        )
    return list(cell)

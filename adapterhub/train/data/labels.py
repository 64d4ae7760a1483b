"""Labels: the classes of a task in the order of the head's outputs, and the number of each row's."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from unicodedata import normalize

from adapterhub.errors import WrongUsage
from adapterhub.finding import Finding
from adapterhub.number import number
from adapterhub.train.data.table import Table
from adapterhub.train.data.words import meant, some

__all__ = ["alike", "encode", "label_of", "labels_of"]

SHOWN = 3
"""How many labels a finding shows in all the ways they are written."""


def labels_of(table: Table, column: str, given: Sequence[str] | None = None) -> tuple[str, ...]:
    """The labels: those that are given, in their order, else those of the training rows, sorted.

    Numbers are sorted as numbers. `WrongUsage` for rows that all have one label: there is nothing to tell apart.
    """
    found = set(_words(table, column))
    if len(found) < 2:
        raise WrongUsage(
            f"{table.name}: every row has the label {next(iter(found), '')!r} in column {column!r}, wanted two or more",
            hint="is data.label the right column, and the file not a part that was cut off?",
        )
    if given is None:
        return _sorted(found)
    if twice := sorted({label for label in given if list(given).count(label) > 1}):
        raise WrongUsage(f"data.labels: {twice[0]!r} stands there twice", hint="each label has one place")
    return tuple(given)


def encode(table: Table, column: str, labels: Sequence[str]) -> list[int]:
    """The place of each row's label among the labels; `WrongUsage` names the first row whose label is none of them."""
    places = {label: place for place, label in enumerate(labels)}
    words = _words(table, column)
    for row, word in enumerate(words):
        if word not in places:
            count = sum(other not in places for other in words)
            raise WrongUsage(
                f"{table.place(row)}: the label {word!r} (column {column!r}) is not known; known are {some(labels)}"
                + (f"; {count} rows have such labels" if count > 1 else ""),
                hint=meant(word, labels) or "every label must stand in the training rows, or in data.labels",
            )
    return [places[word] for word in words]


def alike(table: Table, column: str) -> tuple[Finding, ...]:
    """A warning for labels that hardly differ: in case, blanks, the form of Unicode, or how a number is written."""
    words = _words(table, column)
    counts, groups = Counter(words), defaultdict(list)
    for word in sorted(counts):
        groups[_meaning(word)].append(word)
    several = [group for group in groups.values() if len(group) > 1]
    if not several:
        return ()
    told = "; ".join(_written(group, counts) for group in several[:SHOWN]) + ("; …" if len(several) > SHOWN else "")
    found = Finding(
        check="labels-alike",
        severity="warning",
        place=table.place(words.index(min(several[0], key=lambda word: counts[word]))),
        message=f"labels that hardly differ are learned apart: {told} (column {column!r})",
        remedy="write them in one way; or, if each is meant, name all labels in data.labels",
    )
    return (found,)


def label_of(cell: Any) -> str:
    """A cell as a label; 3 and 3.0 are one, since a table with a gap keeps whole numbers as decimals.

    >>> label_of("cat"), label_of(3), label_of(3.0), label_of(True)
    ('cat', '3', '3', 'True')
    """
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _words(table: Table, column: str) -> list[str]:
    cells = table.column(column)
    for row, cell in enumerate(cells):
        if not isinstance(cell, str | int | float) or cell != cell:
            raise WrongUsage(
                f"{table.place(row)}: got {str(cell)[:40]!r} in column {column!r}, wanted one label: text or a number",
                hint="is data.label the right column?",
            )
    return [label_of(cell) for cell in cells]


def _meaning(label: str) -> Hashable:
    """The same for labels that hardly differ.

    >>> [_meaning("Poem") == _meaning(" poem"), _meaning("01") == _meaning("1e0"), _meaning("nan") == _meaning("NaN")]
    [True, True, True]
    """
    try:
        value = Decimal(label)
    except InvalidOperation:
        value = Decimal("NaN")
    return value if value.is_finite() else normalize("NFC", " ".join(label.casefold().split()))


def _written(labels: Sequence[str], counts: Counter[str]) -> str:
    """Labels with the number of their rows; escaped, where they look the same."""
    shown = repr if len({normalize("NFC", label) for label in labels}) == len(labels) else ascii
    return ", ".join(f"{shown(label)} {counts[label]}×" for label in labels)


def _sorted(labels: set[str]) -> tuple[str, ...]:
    numbers = {label: number(label) for label in labels}
    values = [value for value in numbers.values() if value is not None]
    if len(values) < len(labels):
        return tuple(sorted(labels))
    return tuple(sorted(labels, key=lambda label: (numbers[label], label)))

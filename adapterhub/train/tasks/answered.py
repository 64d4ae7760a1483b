"""Answers as tables hold them: a text, or SQuAD's object `{text: […], answer_start: […]}`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from adapterhub.errors import WrongUsage
from adapterhub.train.data.table import Table

__all__ = ["Answer", "answer_of"]

START = "answer_start"
"""The column, or the field of SQuAD's object, with the character of the context at which the answer begins."""


class Answer(NamedTuple):
    """The texts that are right, and where in the context the first of them begins and ends."""

    texts: tuple[str, ...]
    start: int
    end: int


def answer_of(table: Table, index: int, column: str, context: str) -> Answer:
    """A row's answer. Where no start is said, it is the first place at which the text stands in the context."""
    row, place = table.rows[index], table.place(index)
    cell = row.get(column)
    texts, starts = (cell.get("text"), cell.get(START)) if isinstance(cell, Mapping) else (cell, row.get(START))
    texts, starts = _listed(texts), _listed(starts)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise WrongUsage(
            f"{place}: column {column!r} has no answer: {str(cell)[:60]!r}",
            hint="a text of the context; questions without an answer are to be left out",
        )
    start = _number(starts[0], place) if starts else context.find(texts[0])
    end = start + len(texts[0])
    if start < 0 or context[start:end] != texts[0]:
        there = f"at {start} stands {context[start:end][:60]!r}" if start >= 0 else "it stands nowhere there"
        raise WrongUsage(
            f"{place}: the answer {texts[0][:60]!r} is no part of the context; {there}", hint=f"correct it, or {START}"
        )
    return Answer(tuple(texts), start, end)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value is None or value == "" else [value]


def _number(value: Any, place: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise WrongUsage(f"{place}: {START} is a number, got {value!r}", hint="count characters from 0") from None

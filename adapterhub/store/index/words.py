"""The words of a row: as they are written into the index, and as they are asked for."""

import re
from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select

from adapterhub.store.index.tables import Row, Word
from adapterhub.store.summary import Summary

__all__ = ["has", "known_by", "on_base", "says", "text_of", "words_of"]

PREFIX = "hf:"
"""What stands before a base of a Hub, and is no part of its name."""

FACT = "base_model:"
"""What a base's name stands behind among the facts."""

BASE = re.compile(r"^base_model:(adapter:)?(hf:)?")
"""A base as clients of the Hub filter by it."""


def text_of(summary: Summary) -> str:
    """What a search looks through."""
    facts = summary.facts
    base = summary.base_name.removeprefix(PREFIX)
    said = (summary.reference, facts.type, base, facts.task, *summary.tags, *facts.targets)
    return " ".join(filter(None, said)).casefold()


def says(word: str) -> ColumnElement[bool]:
    """Whether a row's text has a word, or a part of one."""
    return col(Row.text).contains(word.casefold().removeprefix(PREFIX) or word, autoescape=True)


def words_of(summary: Summary) -> set[tuple[str, str]]:
    """The words of a row, each with its kind."""
    named = {
        "tag": summary.tags,
        "target": summary.facts.targets,
        "alias": summary.aliases,
        "parent": summary.parents,
        "fact": _facts(summary),
    }
    return {(kind, word) for kind, words in named.items() for word in words}


def _facts(summary: Summary) -> Iterator[str]:
    """What a list is filtered by, in lower case."""
    facts = summary.facts
    yield from (said.lower() for said in (summary.kind, facts.format, facts.type, facts.task, facts.dtype) if said)
    if summary.license:
        yield f"license:{summary.license.lower()}"
    if summary.base_name:
        yield BASE.sub(FACT, f"{FACT}{summary.base_name.lower()}")


def known_by(*words: str) -> ColumnElement[bool]:
    """Whether one of some words is what an adapter is known by: a fact, or a tag; no tag is a license or a base."""
    facts = {BASE.sub(FACT, word.lower()) for word in words}
    free = {word for word in (*words, *facts) if not word.lower().startswith(("license:", FACT))}
    asked = ((["fact"], facts - free), (["fact", "tag"], free))
    return or_(*(has(kinds, some) for kinds, some in asked if some))


def on_base(part: str) -> ColumnElement[bool]:
    """Whether a row's base has a part of a name in its own; upper and lower case of any script count as the same."""
    word, end = col(Word.word), FACT[:-1] + chr(ord(FACT[-1]) + 1)
    wanted = func.substr(word, len(FACT) + 1).contains(part.lower().removeprefix(PREFIX), autoescape=True)
    return col(Row.id).in_(select(Word.row).where(Word.kind == "fact", word >= FACT, word < end, wanted))


def has(kinds: Iterable[str], words: Iterable[str]) -> ColumnElement[bool]:
    """Whether a row has one of some words, of one of some kinds."""
    # The few that have it are looked up once; asked of each row, it would be looked up as often as there are rows.
    found = select(Word.row).where(col(Word.word).in_(sorted(words)), col(Word.kind).in_(sorted(kinds)))
    return col(Row.id).in_(found)

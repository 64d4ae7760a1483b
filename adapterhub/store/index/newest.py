"""Adapters by their newest version, a page at a time: what a server lists, for those who may see it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sqlalchemy import ColumnElement, Engine, and_, func, or_
from sqlmodel import Session, col, select

from adapterhub.errors import WrongUsage
from adapterhub.store.index.ask import answered
from adapterhub.store.index.tables import Row
from adapterhub.store.index.words import has, known_by, on_base, says

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Asked", "Found", "answers", "newest", "summaries", "visible"]

LONGEST, MOST = 2000, 50
"""Characters and words of a question: SQLite refuses what is too long or too deep, as it does a damaged file."""


@final
@dataclass(frozen=True)
class Asked:
    """What is looked for: every part given must hold. `namespaces` are those whose private adapters may be seen; None
    means all. `words` are tags, formats, types, tasks, licenses and bases, in groups of which one must hold each.
    `base` is a part of a base's name, `target` the name of a module."""

    text: str = ""
    author: str = ""
    words: tuple[tuple[str, ...], ...] = ()
    namespaces: frozenset[str] | None = frozenset()
    base: str = ""
    target: str = ""
    limit: int = 100
    after: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        said = (self.text, self.author, self.base, self.target, *(word for group in self.words for word in group))
        if sum(map(len, said)) > LONGEST or len(self.text.split()) + len(self.words) > MOST:
            raise WrongUsage(
                f"a question of more than {LONGEST} characters, or {MOST} words", hint="fewer words find as much"
            )


@final
@dataclass(frozen=True)
class Found:
    """An adapter, its newest version's summary as plain data, and whether everybody may see it."""

    adapter: str
    time: str
    public: bool
    summary: dict[str, Any]


def newest(store: "Store", asked: Asked) -> list[Found]:
    """The adapters that answer the question, the latest first; `after` is the (time, name) of the one before."""
    return [
        Found(row.adapter, row.time, row.public, json.loads(row.document)) for row in answers(store, _statement(asked))
    ]


def summaries(store: "Store", adapters: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The summaries of all versions of some adapters, by adapter, the newest last."""
    columns: Any = select(Row.adapter, Row.document)
    asked = columns.where(col(Row.adapter).in_(list(adapters))).order_by(col(Row.time), col(Row.id))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in answers(store, asked):
        found.setdefault(row.adapter, []).append(json.loads(row.document))
    return found


def answers(store: "Store", statement: Any) -> list[Any]:
    """The answer of the index; made again where it is damaged."""
    return answered(store, lambda engine: _ask(engine, statement))


def _ask(engine: Engine, statement: Any) -> list[Any]:
    try:
        with Session(engine) as session:
            return list(session.execute(statement).all())
    finally:
        engine.dispose()


def _statement(asked: Asked) -> Any:
    conditions: list[ColumnElement[bool]] = [col(Row.newest).is_(True)]
    conditions += [says(word) for word in asked.text.split()]
    if asked.author:
        conditions.append(func.lower(Row.namespace) == asked.author.lower())
    conditions += [known_by(*group) for group in asked.words]
    if asked.base:
        conditions.append(on_base(asked.base))
    if asked.target:
        conditions.append(has(["target"], [asked.target]))
    conditions += visible(asked.namespaces)
    if asked.after:
        time, adapter = asked.after
        conditions.append(or_(col(Row.time) < time, and_(col(Row.time) == time, col(Row.adapter) > adapter)))
    columns = (Row.adapter, Row.time, Row.public, Row.document)
    found: Any = select(*columns).where(*conditions)
    return found.order_by(col(Row.time).desc(), col(Row.adapter)).limit(asked.limit)


def visible(namespaces: frozenset[str] | None) -> list[ColumnElement[bool]]:
    """The condition that those who see the private adapters of these namespaces may see a row; None means all."""
    return [] if namespaces is None else [or_(col(Row.public), col(Row.namespace).in_(sorted(namespaces)))]

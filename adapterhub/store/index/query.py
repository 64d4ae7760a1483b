"""`search`: a question to the index, as SQL."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sqlalchemy import ColumnElement, Engine, String, and_, cast, func, not_, or_
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, select

from adapterhub.errors import BadReference
from adapterhub.store.index.file import forget
from adapterhub.store.index.sync import open_index
from adapterhub.store.index.tables import Metric, Row, Word
from adapterhub.store.index.where import FIELDS, WORDS, All, Comparison, Either, Not, Where, parse

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Question", "search"]


@final
@dataclass(frozen=True)
class Question:
    """What is looked for: every part given must hold."""

    text: str = ""
    base: str = ""
    target: str = ""
    where: str = ""
    limit: int = 0


def search(store: "Store", question: Question) -> list[dict[str, Any]]:
    """The summaries (as plain data) of every version that answers the question, by name, newest version first."""
    conditions: list[ColumnElement[bool]] = [
        col(Row.text).contains(word.casefold(), autoescape=True) for word in question.text.split()
    ]
    if question.base:
        conditions.append(_contains(col(Row.base), question.base))
    if question.target:
        conditions.append(_word(Comparison("target", "=", question.target)))
    if question.where:
        conditions.append(_compile(parse(question.where)))
    ordered = select(Row.document).where(*conditions).order_by(col(Row.adapter), col(Row.time).desc())
    statement = ordered.limit(question.limit) if question.limit else ordered
    try:
        return _ask(open_index(store), statement)
    except DatabaseError:  # its stamp is right, its tables are not
        forget(store.layout)
        return _ask(open_index(store), statement)


def _ask(engine: Engine, statement: Any) -> list[dict[str, Any]]:
    try:
        with Session(engine) as session:
            return [json.loads(document) for document in session.exec(statement)]
    finally:
        engine.dispose()


def _compile(where: Where) -> ColumnElement[bool]:
    match where:
        case All(parts):
            return and_(*map(_compile, parts))
        case Either(parts):
            return or_(*map(_compile, parts))
        case Not(part):
            return not_(func.coalesce(_compile(part), False))
        case Comparison(field) if field in FIELDS:
            return _compare(col(getattr(Row, field)), where)
        case Comparison(field) if field in WORDS:
            return _word(where)
        case Comparison():
            return _metric(where)


def _word(where: Comparison) -> ColumnElement[bool]:
    """Whether a row has such a word; `!=` asks that it has not, not that it has another."""
    positive = Comparison(where.field, "=" if where.operator == "!=" else where.operator, where.value)
    found = select(Word.row).where(col(Word.row) == col(Row.id), Word.kind == where.field)
    has = found.where(_compare(col(Word.word), positive)).exists()
    return not_(has) if where.operator == "!=" else has


def _metric(where: Comparison) -> ColumnElement[bool]:
    found = select(Metric.row).where(col(Metric.row) == col(Row.id), Metric.name == where.field)
    return found.where(_compare(col(Metric.value), where)).exists()


def _contains(column: Any, text: str) -> ColumnElement[bool]:
    # SQLite's LIKE takes A and a for the same already.
    return cast(column, String).contains(text, autoescape=True)


def _compare(column: Any, where: Comparison) -> ColumnElement[bool]:
    value: str | float | None = where.value
    if column.type.python_type in (int, float) and where.operator != "~" and (value := where.number) is None:
        raise BadReference(
            f"cannot read the condition: {where.field!r} is a number and {where.value!r} is none",
            hint=f"fields with words are {', '.join((*FIELDS, *WORDS))}; every other field is a metric",
        )
    match where.operator:
        case "~":
            return _contains(column, where.value)
        case "=" | "==":
            return column == value  # type: ignore[no-any-return]
        case operator:
            return column.op(operator, is_comparison=True)(value)  # type: ignore[no-any-return]

"""`search`: a question to the index, as SQL."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sqlalchemy import ColumnElement, and_, func, not_, or_
from sqlmodel import Session, col, select

from adapterhub.errors import BadReference
from adapterhub.store.index.sync import open_index
from adapterhub.store.index.tables import Metric, Row, Word
from adapterhub.store.index.where import All, Comparison, Either, Not, Where, parse

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["FIELDS", "Question", "search"]

FIELDS = (
    "reference", "adapter", "namespace", "name", "version", "digest", "time", "kind", "format", "type", "rank", "alpha",
    "dtype", "task", "base", "parameters", "bytes", "health", "license",
)  # fmt: skip
"""Fields of a condition that are columns; `tag`, `target` and `alias` are words, every other field is a metric."""

WORDS = ("tag", "target", "alias")


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
        conditions.append(func.lower(col(Row.base)).contains(question.base.lower(), autoescape=True))
    if question.target:
        conditions.append(_word(Comparison("target", "=", question.target)))
    if question.where:
        conditions.append(_compile(parse(question.where)))
    ordered = select(Row.document).where(*conditions).order_by(col(Row.adapter), col(Row.time).desc())
    with Session(open_index(store)) as session:
        found = session.exec(ordered.limit(question.limit) if question.limit else ordered)
        return [json.loads(document) for document in found]


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
    positive = Comparison(where.field, "=" if where.operator == "!=" else where.operator, _text(where.value))
    found = select(Word.row).where(col(Word.row) == col(Row.id), Word.kind == where.field)
    has = found.where(_compare(col(Word.word), positive)).exists()
    return not_(has) if where.operator == "!=" else has


def _metric(where: Comparison) -> ColumnElement[bool]:
    if not isinstance(where.value, float):
        raise BadReference(
            f"cannot read the condition: {where.field!r} is a metric and {where.value!r} no number",
            hint=f"fields with words are {', '.join((*FIELDS, *WORDS))}; every other field is a metric",
        )
    found = select(Metric.row).where(col(Metric.row) == col(Row.id), Metric.name == where.field)
    return found.where(_compare(col(Metric.value), where)).exists()


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _compare(column: Any, where: Comparison) -> ColumnElement[bool]:
    value = where.value if column.type.python_type in (int, float) else _text(where.value)
    match where.operator:
        case "~":
            return func.lower(column).contains(_text(where.value).lower(), autoescape=True)
        case "=" | "==":
            return column == value  # type: ignore[no-any-return]
        case operator:
            return column.op(operator, is_comparison=True)(value)  # type: ignore[no-any-return]

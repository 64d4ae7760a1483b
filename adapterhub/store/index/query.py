"""`search`: a question to the index, as SQL."""

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sqlalchemy import ColumnElement, Engine, String, and_, cast, func, not_, or_
from sqlmodel import Session, col, select

from adapterhub.errors import BadReference, WrongUsage
from adapterhub.store.index.ask import answered
from adapterhub.store.index.tables import Metric, Row, Word
from adapterhub.store.index.where import ENUMERATED, FIELDS, WORDS, All, Comparison, Either, Not, Where, fields, parse
from adapterhub.store.index.words import says

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Question", "search"]


@final
@dataclass(frozen=True)
class Question:
    """What is looked for: every part given must hold. One that exists is text, and its condition can be read."""

    text: str = ""
    base: str = ""
    target: str = ""
    where: str = ""
    limit: int = 0

    def __post_init__(self) -> None:
        for text in (self.text, self.base, self.target, self.where):
            if not text.isascii() and text.encode(errors="ignore").decode() != text:
                raise WrongUsage(
                    f"cannot search for {text!r}: it holds bytes that are no text in UTF-8",
                    hint="write the words in UTF-8; `adapterhub list` shows what there is",
                )
        if self.where:
            parse(self.where)


def search(store: "Store", question: Question) -> list[dict[str, Any]]:
    """The summaries (as plain data) of every version that answers the question, by name, newest version first."""
    return answered(store, lambda engine: _ask(engine, question))


def _ask(engine: Engine, question: Question) -> list[dict[str, Any]]:
    try:
        with Session(engine) as session:
            if question.where:
                _check_fields(session, parse(question.where))
            return [json.loads(document) for document in session.exec(_statement(question))]
    finally:
        engine.dispose()


def _statement(question: Question) -> Any:
    conditions: list[ColumnElement[bool]] = [says(word) for word in question.text.split()]
    if question.base:
        conditions.append(_contains(col(Row.base), question.base))
    if question.target:
        conditions.append(_word(Comparison("target", "=", question.target)))
    if question.where:
        conditions.append(_compile(parse(question.where)))
    ordered = select(Row.document).where(*conditions).order_by(col(Row.adapter), col(Row.time).desc())
    return ordered.limit(question.limit) if question.limit else ordered


def _check_fields(session: Session, where: Where) -> None:
    """`WrongUsage` for a field that no entry has, which is mostly a misspelt one; where nothing is, anything may be."""
    for field in sorted(fields(where).difference(FIELDS, WORDS)):
        if session.exec(select(Metric.row).where(Metric.name == field).limit(1)).first() is not None:
            continue
        if session.exec(select(Row.id).limit(1)).first() is None:
            return
        known = [*FIELDS, *WORDS, *session.exec(select(Metric.name).distinct())]
        close = difflib.get_close_matches(field, known, n=3)
        raise WrongUsage(
            f"cannot search for {field!r}: it is no fact, and no entry has a metric of this name",
            hint=f"did you mean {' or '.join(close)}?" if close else f"facts and metrics here: {', '.join(known)}",
        )


def _compile(where: Where) -> ColumnElement[bool]:
    match where:
        case All(parts):
            return and_(*map(_compile, parts))
        case Either(parts):
            return or_(*map(_compile, parts))
        case Not(part):
            return not_(func.coalesce(_compile(part), False))
        case Comparison(field) if field in FIELDS:
            column = col(getattr(Row, field))
            return _compare(column.collate("NOCASE") if field in ENUMERATED else column, where)
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

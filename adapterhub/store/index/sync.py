"""The index follows the events: it reads again what an event it has not seen speaks of.

Events say where to look, the files say what is so. An event is written just before its deed, so what it speaks of is
read again every time until it was seen `SETTLED` seconds ago; a deed that took longer is told again by whoever did it.
No clock but our own counts. The look at the events folder costs one `stat` while nothing happens. What could not be
read is tried again every time: no event tells when it can.

Where the index cannot be written (a full disk, a read-only one, a file in its place), it is made in memory.
"""

import contextlib
import os
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, delete, insert, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, col, create_engine, select

from adapterhub.document import canonical
from adapterhub.errors import AdapterHubError
from adapterhub.facts import PARSER
from adapterhub.reference import Name, parse
from adapterhub.store.events import Event
from adapterhub.store.index.file import LOCK, discard
from adapterhub.store.index.tables import SHAPE, Meta, Metric, Row, Seen, Word
from adapterhub.store.index.words import text_of, words_of
from adapterhub.store.listing import Listing, stamp_of
from adapterhub.store.locks import alone
from adapterhub.store.summary import Summary, summaries

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["SETTLED", "open_index", "rebuild"]

SETTLED = 60.0
"""Seconds after which an event's deed is done, will never be, or will be told again."""

STAMP = f"{SHAPE}.{PARSER}"
BATCH = 2000

WAIT = 10.0
"""Seconds to wait for another program that has locked the file of the index, before it is made in memory."""


def open_index(store: "Store") -> Engine:
    """The index of a store, caught up; made again when it is missing, of another shape or damaged."""
    if os.access(store.root, os.W_OK):
        with contextlib.suppress(DatabaseError, OSError), alone(store.layout.incoming, LOCK):
            return _on_disk(store, store.layout.index)
    return rebuild(store, None)


def _on_disk(store: "Store", path: Path) -> Engine:
    engine = _engine(path)
    with contextlib.suppress(DatabaseError), Session(engine) as session:
        if path.exists() and _meta(session).get("stamp") == STAMP:
            _catch_up(store, session)
            return engine
    engine.dispose()
    return rebuild(store, path)


def rebuild(store: "Store", path: Path | None) -> Engine:
    """Read everything again, into a fresh file that replaces the old one, or into memory."""
    if path is None:
        _fill(store, engine := _engine(None))
        return engine
    fresh = path.with_name(f".{path.name}.fresh")
    discard(fresh)
    engine = _engine(fresh)
    try:
        _fill(store, engine)
        engine.dispose()
        discard(path)
        os.replace(fresh, path)
    except (DatabaseError, OSError):
        engine.dispose()
        discard(fresh)  # on a full disk it is in everybody's way
        raise
    return _engine(path)


def _fill(store: "Store", engine: Engine) -> None:
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        seen = store.events.listing()
        young = set(_youngest(store, seen.names))
        _insert(session, store, summaries(store, store.names.all()))
        now = time.time()
        _insert_all(session, Seen, [{"event": name, "at": now if name in young else 0} for name in seen.names])
        meta = {"stamp": STAMP, "state": "", **_past(seen)}
        _insert_all(session, Meta, [{"key": key, "value": value} for key, value in meta.items()])
        session.commit()


def _youngest(store: "Store", names: Iterable[str]) -> list[str]:
    """The events that were told within a minute of the last one: what they tell of may be in the making."""
    told = dict[str, float]()
    for name in names:
        with contextlib.suppress(FileNotFoundError):  # taken back meanwhile
            told[name] = (store.layout.events / name).stat().st_mtime
    # Not our clock, a file server has its own; but no later, where a clock was ahead when one was told.
    last = min(max(told.values(), default=0.0), time.time())
    return [name for name, changed in told.items() if changed > last - SETTLED]


def _engine(path: Path | None) -> Engine:
    """The database in a file, or one in memory that writes nothing anywhere, not even to sort."""
    if path:
        return create_engine(f"sqlite:///{path}", connect_args={"timeout": WAIT})
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.connect() as connection:
        connection.exec_driver_sql("pragma temp_store = memory")
    return engine


def _meta(session: Session) -> dict[str, str]:
    return {meta.key: meta.value for meta in session.exec(select(Meta))}


def _state(store: "Store") -> str:
    """The state of the events folder."""
    try:
        return " ".join(map(str, stamp_of(store.layout.events)))
    except FileNotFoundError:
        return "none"


def _catch_up(store: "Store", session: Session) -> None:
    state, known, now = _state(store), _meta(session), time.time()
    damaged = {parse(row).name for row in session.exec(select(Row.adapter).where(Row.health == "unreadable"))}
    seen = session.exec(select(Seen.event, Seen.at).where(col(Seen.at) > now - SETTLED)).all()
    young = [name for name, _ in seen]
    if any(at > now for _, at in seen):  # by a clock that was ahead; so that they end, too
        session.execute(update(Seen).where(col(Seen.at) > now).values(at=now))
    if state == known.get("state") and not young and not damaged:
        return
    files = store.events.listing()
    unseen = _unseen(session, files, known)
    fresh = set(unseen)
    told = {name: _read(store, name) for name in (*unseen, *young)}
    more = {name: event for name, event in told.items() if name in fresh or not _is_done(session, event)}
    _refresh(store, session, sorted(damaged | _names(session, more.values())))
    done = {name for name, event in told.items() if name not in more or _is_done(session, event)}
    _insert_all(session, Seen, [{"event": name, "at": 0 if name in done else now} for name in unseen])
    for name in done.intersection(young):
        session.execute(update(Seen).where(col(Seen.event) == name).values(at=0))
    settled = not unseen and done.issuperset(young)
    for key, value in {"state": state if settled else "", **_past(files)}.items():
        session.merge(Meta(key=key, value=value))
    session.commit()


def _past(files: Listing) -> dict[str, str]:
    """The last event and a digest of all: enough to know later that everything up to it is as it was."""
    return {"last": files.names[-1] if files.names else "", "past": files.mark}


def _unseen(session: Session, files: Listing, known: dict[str, str]) -> Sequence[str]:
    """The events that were not replayed yet; mostly those after the last, and nothing else has changed."""
    names = files.names
    until = bisect_right(names, known.get("last", ""))
    if (files.mark if until == len(names) else files.mark_of(until)) == known.get("past"):
        return names[until:]
    seen = set(session.exec(select(Seen.event)))
    return [name for name in names if name not in seen]


def _read(store: "Store", name: str) -> Event | None:
    """An event; None for one that was taken back, or cannot be read, or is about no adapter."""
    with contextlib.suppress(AdapterHubError, FileNotFoundError):
        event = store.events.read(name)
        list(map(parse, _words(event)))
        return event
    return None


def _names(session: Session, events: Iterable[Event | None]) -> set[Name]:
    """The names that events speak of, and those that mean the same digests: a note is about all of them."""
    told = [event for event in events if event]
    names = {parse(word).name for event in told for word in _words(event)}
    for digest in {event.digest for event in told}:
        names |= {parse(found).name for found in session.exec(select(Row.reference).where(col(Row.digest) == digest))}
    return names


def _words(event: Event) -> tuple[str, ...]:
    """What an event speaks of; a move has two ends."""
    return (event.reference, event.detail) if event.action == "move" else (event.reference,)


def _is_done(session: Session, event: Event | None) -> bool:
    """Whether an event has no more to tell, however young it is: it is gone, or the version it tells of is here."""
    if event is None or event.action != "publish":
        return event is None
    here = select(Row.id).where(col(Row.reference) == event.reference, col(Row.digest) == event.digest)
    return session.exec(here).first() is not None


def _refresh(store: "Store", session: Session, names: list[Name]) -> None:
    for name in names:
        rows = list(session.exec(select(Row.id).where(col(Row.adapter) == str(name))))
        for table in (Metric, Word):
            session.execute(delete(table).where(col(table.row).in_(rows)))
        session.execute(delete(Row).where(col(Row.id).in_(rows)))
    _insert(session, store, summaries(store, names))


def _insert(session: Session, store: "Store", summaries: Iterable[Summary]) -> None:
    last = max((id or 0 for id in session.exec(select(Row.id).order_by(col(Row.id).desc()).limit(1))), default=0)
    rows: list[dict[str, Any]] = []
    metrics: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    public = cache(partial(_is_public, store))
    for number, (summary, newest) in enumerate(_newest(summaries), last + 1):
        seen = {"newest": newest, "public": public(parse(summary.reference).name)}
        rows.append({"id": number, **seen, **_row(summary)})
        metrics += [{"row": number, "name": name, "value": value} for name, value in summary.metrics.items()]
        words += [{"row": number, "kind": kind, "word": word} for kind, word in words_of(summary)]
        if len(rows) >= BATCH:
            _flush(session, rows, metrics, words)
    _flush(session, rows, metrics, words)


def _flush(session: Session, *lists: list[dict[str, Any]]) -> None:
    tables: tuple[type[SQLModel], ...] = (Row, Metric, Word)
    for table, values in zip(tables, lists, strict=True):
        _insert_all(session, table, values)
        values.clear()


def _insert_all(session: Session, table: type[SQLModel], values: list[dict[str, Any]]) -> None:
    if values:
        session.execute(insert(table), values)


def _newest(summaries: Iterable[Summary]) -> Iterator[tuple[Summary, bool]]:
    """Each line, and whether it is its adapter's last: the newest that can be read."""
    lines = iter(summaries)
    line = next(lines, None)
    while line is not None:
        following = next(lines, None)
        yield line, following is None or parse(following.reference).name != parse(line.reference).name
        line = following


def _is_public(store: "Store", name: Name) -> bool:
    """Whether everybody may see it; what nobody has made public is not, nor is what cannot be read."""
    try:
        return not store.history.info(name).private
    except (AdapterHubError, OSError):
        return False


def _row(summary: Summary) -> dict[str, Any]:
    facts, name = summary.facts, parse(summary.reference)
    return {
        "reference": summary.reference,
        "adapter": str(name.name),
        "namespace": name.name.namespace,
        "name": name.name.name,
        "version": name.pin or "",
        "digest": summary.digest,
        "time": summary.time,
        "kind": summary.kind,
        "bytes": summary.bytes,
        "license": summary.license or None,
        "pin": canonical(summary.base).decode() if summary.base else "",
        "noted": canonical(summary.noted).decode() if summary.noted else "",
        "base": summary.base_name or None,
        "health": facts.health,
        **{key: getattr(facts, key) for key in ("format", "type", "rank", "alpha", "dtype", "task", "parameters")},
        "text": text_of(summary),
        "document": summary.model_dump_json(),
    }

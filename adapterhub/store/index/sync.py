"""The index follows the events: it reads again what an event it has not seen speaks of.

Events say where to look, the files say what is so. An event is written just before its deed, so names that young events
speak of are read again every time until the event is older than `SETTLED` seconds. The look at the events folder itself
costs one `stat` while nothing happens. What could not be read is tried again every time: no event tells when it can.

Where the index cannot be written (a full disk, a read-only one, a file in its place), it is made in memory.
"""

import contextlib
import os
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, delete, insert
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
from adapterhub.store.index.words import text
from adapterhub.store.index.words import words as words_of
from adapterhub.store.listing import Listing
from adapterhub.store.locks import alone
from adapterhub.store.summary import Summary, summaries

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["SETTLED", "open_index", "rebuild"]

SETTLED = 60.0
"""Seconds after which an event's deed is done or will never be."""

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
        state, seen = _state(store), store.events.listing()
        _insert(session, store, summaries(store, store.names.all()))
        _insert_all(session, Seen, [{"event": name} for name in seen.names])
        meta = {"stamp": STAMP, "state": state, **_past(seen)}
        _insert_all(session, Meta, [{"key": key, "value": value} for key, value in meta.items()])
        session.commit()


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
    """The state of the events folder, or "" while its youngest event may still be in the making."""
    try:
        changed = store.layout.events.stat().st_mtime
    except FileNotFoundError:
        return "none"
    return str(changed) if time.time() - changed > SETTLED else ""


def _catch_up(store: "Store", session: Session) -> None:
    state = _state(store)
    known = _meta(session)
    damaged = {parse(row).name for row in session.exec(select(Row.adapter).where(Row.health == "unreadable"))}
    if state and state == known.get("state") and not damaged:
        return
    files = store.events.listing()
    unseen = _unseen(session, files, known)
    youngest = [name for name in files.names[-1000:] if _age(store, name) < SETTLED]
    _refresh(store, session, sorted(damaged | _changed(store, session, {*unseen, *youngest}, set(unseen))))
    _insert_all(session, Seen, [{"event": name} for name in unseen])
    for key, value in {"state": state, **_past(files)}.items():
        session.merge(Meta(key=key, value=value))
    session.commit()


def _past(files: Listing) -> dict[str, str]:
    """The last event and a digest of all: enough to know later that everything up to it is as it was."""
    return {"last": files.names[-1] if files.names else "", "past": files.digest}


def _unseen(session: Session, files: Listing, known: dict[str, str]) -> list[str]:
    """The events that were not replayed yet; mostly those after the last, and nothing else has changed."""
    names = files.names
    until = bisect_right(names, known.get("last", ""))
    if (files.digest if until == len(names) else files.digest_of(until)) == known.get("past"):
        return names[until:]
    seen = set(session.exec(select(Seen.event)))
    return [name for name in names if name not in seen]


def _age(store: "Store", event: str) -> float:
    try:
        return time.time() - (store.layout.events / event).stat().st_mtime
    except FileNotFoundError:
        return SETTLED


def _changed(store: "Store", session: Session, events: Iterable[str], unseen: set[str]) -> set[Name]:
    """The names that events speak of, and those that mean the same digests: a note is about all of them.

    A version that is here has been published: its event has no more to tell, however young it is.
    """
    names, digests = set(), set()
    for name in events:
        with contextlib.suppress(AdapterHubError, FileNotFoundError):
            event = store.events.read(name)
            if name not in unseen and event.action == "publish" and _is_here(session, event):
                continue
            names.add(parse(event.reference).name)
            digests.add(event.digest)
    for digest in digests:
        names |= {parse(found).name for found in session.exec(select(Row.reference).where(col(Row.digest) == digest))}
    return names


def _is_here(session: Session, event: Event) -> bool:
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
        "text": text(summary),
        "document": summary.model_dump_json(),
    }

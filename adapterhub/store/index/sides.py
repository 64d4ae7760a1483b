"""What the audit needs of every adapter, from the index: derived once for each entry, kept once for each layout.

What an entry's files say never changes, so a side is kept by the entry's digest; what is said about it (pins) is in its
row, which follows the events. How a side is derived is the audit's business: here it is bytes.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from sqlalchemy import Engine, insert
from sqlmodel import Session, select

from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError
from adapterhub.store.index.ask import answered
from adapterhub.store.index.tables import Row, Side, Sided
from adapterhub.store.locks import alone

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Audited", "Known", "Maker", "known"]

BATCH = 500
LOCK = "sides.lock"


@final
@dataclass(frozen=True)
class Maker:
    """How a side is made of an entry, and of which formats; another `version` makes all of them again."""

    version: int
    formats: frozenset[str]
    make: Callable[[Entry], bytes]


@final
@dataclass(frozen=True)
class Audited:
    """One version: what it is called, its pins as JSON (empty without one), and the digest of its side."""

    reference: str
    digest: str
    pin: str
    noted: str
    side: str


@final
@dataclass(frozen=True)
class Known:
    """All versions that have a side, the sides by their digest, what is damaged, and how many are of other formats."""

    rows: tuple[Audited, ...]
    sides: dict[str, bytes]
    damaged: tuple[str, ...]
    others: int


def known(store: "Store", maker: Maker, watch: Callable[[int, int], None] | None = None) -> Known:
    """Every adapter of a store. `watch` is told how many sides were made, and of how many."""
    return answered(store, lambda engine: _ask(engine, store, maker, watch))


def _ask(engine: Engine, store: "Store", maker: Maker, watch: Callable[[int, int], None] | None) -> Known:
    try:
        with Session(engine) as session:
            columns = (Row.reference, Row.digest, Row.pin, Row.noted, Row.format, Row.health)
            question: Any = select(*columns).where(Row.kind == "adapter")  # type: ignore[call-overload]
            found = session.execute(question.order_by(Row.adapter, Row.time, Row.id)).all()
            damaged = [row.reference for row in found if row.health == "unreadable"]
            mine = [row for row in found if row.format in maker.formats and row.health != "unreadable"]
            sides, lost = _sides(session, store, maker, dict.fromkeys(row.digest for row in mine), watch)
            rows = tuple(
                Audited(row.reference, row.digest, row.pin, row.noted, sides[row.digest])
                for row in mine
                if row.digest in sides
            )
            damaged += [row.reference for row in mine if row.digest in lost]
            texts = dict(session.exec(select(Side.digest, Side.document)).all())
            others = len(found) - len(mine) - sum(row.health == "unreadable" for row in found)
            return Known(rows, {one: texts[one].encode() for one in {row.side for row in rows}}, tuple(damaged), others)
    finally:
        engine.dispose()


def _sides(
    session: Session,
    store: "Store",
    maker: Maker,
    wanted: Iterable[str],
    watch: Callable[[int, int], None] | None,
) -> tuple[dict[str, str], set[str]]:
    """The side of each entry; those that are not kept are made now. The entries that cannot be read come second."""
    kept, wanted = _kept(session, maker), list(wanted)
    if all(digest in kept for digest in wanted):
        return kept, set()
    with _making(store):  # who comes second finds what the first has made
        return _made(session, store, maker, wanted, watch)


def _kept(session: Session, maker: Maker) -> dict[str, str]:
    return dict(session.exec(select(Sided.entry, Sided.side).where(Sided.maker == maker.version)).all())


def _making(store: "Store") -> AbstractContextManager[None]:
    """Only one makes sides at a time; where nothing can be written, everybody does it for himself."""
    return alone(store.layout.incoming, LOCK) if os.access(store.root, os.W_OK) else nullcontext()


def _made(
    session: Session,
    store: "Store",
    maker: Maker,
    wanted: Iterable[str],
    watch: Callable[[int, int], None] | None,
) -> tuple[dict[str, str], set[str]]:
    kept, lost = _kept(session, maker), set[str]()
    fresh = [digest for digest in wanted if digest not in kept]
    for start in range(0, len(fresh), BATCH):
        made = dict(_make(store, maker, fresh[start : start + BATCH], lost))
        _keep(session, maker, made)
        kept |= {digest: str(Digest.of(side)) for digest, side in made.items()}
        if watch:
            watch(min(start + BATCH, len(fresh)), len(fresh))
    return kept, lost


def _make(store: "Store", maker: Maker, digests: Iterable[str], lost: set[str]) -> Iterator[tuple[str, bytes]]:
    for digest in digests:
        try:
            yield digest, maker.make(store.open(Digest.parse(digest)))
        except (AdapterHubError, OSError):  # tried again every time: no event tells when it can be read
            lost.add(digest)


def _keep(session: Session, maker: Maker, made: dict[str, bytes]) -> None:
    """Written by whoever comes first: the same files give everybody the same side."""
    if not made:
        return
    sides = {str(Digest.of(side)): side.decode() for side in made.values()}
    session.execute(
        insert(Side).prefix_with("OR IGNORE"), [{"digest": digest, "document": text} for digest, text in sides.items()]
    )
    session.execute(
        insert(Sided).prefix_with("OR REPLACE"),
        [{"entry": entry, "maker": maker.version, "side": str(Digest.of(side))} for entry, side in made.items()],
    )
    session.commit()

"""Adapters that the audit cannot tell apart, counted: those of one layout with the same pins.

There may be a hundred thousand adapters, and a few dozen of these groups. Only the newest version of each counts, for
somebody: `namespaces` are those whose private adapters he may see; None means all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from sqlalchemy import Engine, and_, func, tuple_
from sqlmodel import Session, col, select

from adapterhub.store.index.ask import answered
from adapterhub.store.index.file import stamp
from adapterhub.store.index.newest import answers, visible
from adapterhub.store.index.sides import Maker
from adapterhub.store.index.tables import Row, Side, Sided

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Alike", "Groups", "Key", "alike", "members", "texts"]

REMEMBERED = 64
"""Answers that are kept: for people who see the same, as long as nothing changes."""

MOST = 5000
"""Groups one question is about: SQLite has 32,766 places for values."""

Namespaces = frozenset[str] | None
Key = tuple[str, str, str]


@final
@dataclass(frozen=True)
class Alike:
    """A group: the digest of its side ("" where none was made yet), its pins as JSON, and how many are in it."""

    side: str
    pin: str
    noted: str
    count: int

    @property
    def key(self) -> Key:
        return self.side, self.pin, self.noted


Groups = tuple[Alike, ...]
_COUNTED: dict[tuple[Path, bytes, int, frozenset[str], Namespaces], Groups] = {}


def alike(store: "Store", maker: Maker, namespaces: Namespaces) -> Groups:
    """All groups. What cannot be read has no side, however often it is tried."""
    return answered(store, lambda engine: _counted(engine, store.layout.index, maker, namespaces))


def _counted(engine: Engine, path: Path, maker: Maker, namespaces: Namespaces) -> Groups:
    """Counted once for as long as the index stays what it is."""
    key = (path, stamp(path), maker.version, maker.formats, namespaces)
    if key in _COUNTED:
        return _COUNTED[key]
    columns = (func.coalesce(Sided.side, ""), Row.pin, Row.noted)
    try:
        with Session(engine) as session:
            asked = _asked((*columns, func.count()), maker, namespaces).group_by(*columns)
            found = tuple(Alike(*row) for row in session.execute(asked).all())
    finally:
        engine.dispose()
    if key[1]:
        if len(_COUNTED) >= REMEMBERED:
            _COUNTED.clear()
        _COUNTED[key] = found
    return found


def members(
    store: "Store", maker: Maker, keys: Iterable[Key], namespaces: Namespaces, most: int
) -> list[tuple[str, str, Key]]:
    """The first of some groups by name: what each is called, its digest, and its group."""
    wanted, found = list(keys), list[tuple[str, str, Key]]()
    for start in range(0, len(wanted), MOST):
        columns = (Row.reference, Row.digest, Sided.side, Row.pin, Row.noted)
        asked = _asked(columns, maker, namespaces)
        asked = asked.where(tuple_(Sided.side, Row.pin, Row.noted).in_(wanted[start : start + MOST]))
        rows = answers(store, asked.order_by(Row.reference).limit(most))
        found += [(reference, digest, (side, pin, noted)) for reference, digest, side, pin, noted in rows]
    return sorted(found)[:most]


def texts(store: "Store", groups: Iterable[Alike]) -> dict[str, bytes]:
    """The sides of groups, by their digests."""
    wanted, found = sorted({one.side for one in groups if one.side}), dict[str, bytes]()
    for start in range(0, len(wanted), MOST):
        columns: Any = select(Side.digest, Side.document)
        rows = answers(store, columns.where(col(Side.digest).in_(wanted[start : start + MOST])))
        found |= {digest: text.encode() for digest, text in rows}
    return found


def _asked(columns: Iterable[Any], maker: Maker, namespaces: Namespaces) -> Any:
    made = and_(col(Sided.entry) == col(Row.digest), col(Sided.maker) == maker.version)
    asked: Any = select(*columns).select_from(Row).join(Sided, made, isouter=True)
    good = (col(Row.format).in_(sorted(maker.formats)), col(Row.health) != "unreadable")
    newest = func.likely(Row.newest)  # nearly all are: by its index SQLite would read every row to find the first few
    return asked.where(newest, col(Row.kind) == "adapter", *good, *visible(namespaces))

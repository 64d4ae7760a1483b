"""What adapters are to each other: who was made from whom, and which bases they are pinned to.

Every question is asked for somebody: `namespaces` are those whose private adapters he may see; None means all.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlmodel import col, func, select

from adapterhub.store.index.newest import answers, visible
from adapterhub.store.index.tables import Row, Word

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["children", "named", "pinned"]


def named(store: "Store", digests: Iterable[str], namespaces: frozenset[str] | None) -> dict[str, list[str]]:
    """Digest -> what versions of this content are called."""
    columns: Any = select(Row.digest, Row.reference)
    asked = columns.where(col(Row.digest).in_(list(digests)), *visible(namespaces)).order_by(col(Row.time), col(Row.id))
    found: dict[str, list[str]] = {}
    for row in answers(store, asked):
        found.setdefault(row.digest, []).append(row.reference)
    return found


def children(store: "Store", digest: str, namespaces: frozenset[str] | None, limit: int) -> list[str]:
    """The versions that were made from an entry, the latest first."""
    columns: Any = select(Row.reference).join(Word, col(Word.row) == col(Row.id))
    asked = columns.where(col(Word.kind) == "parent", col(Word.word) == digest, *visible(namespaces))
    return [row.reference for row in answers(store, asked.order_by(col(Row.time).desc(), col(Row.id)).limit(limit))]


def pinned(store: "Store", namespaces: frozenset[str] | None) -> dict[str, str]:
    """The digests of the base cards that adapters are pinned to, and what the first that names its base calls it."""
    columns: Any = (Row.pin, Row.noted, Row.base)
    asked: Any = select(*columns).where(*visible(namespaces)).group_by(*columns).order_by(func.min(Row.time))
    found: dict[str, str] = {}
    for row in answers(store, asked):
        for pin in filter(None, (row.pin, row.noted)):
            if card := json.loads(pin).get("card"):
                named = pin == (row.pin or row.noted) and not (row.base or "").startswith("sha256:")
                found[card] = found.get(card) or (row.base if named else "") or ""
    return found

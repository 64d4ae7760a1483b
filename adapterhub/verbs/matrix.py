"""All adapters of the store on some bases, from the index: adapters of one layout and pin share one fit."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.read import adapter_of
from adapterhub.audit.report import Report
from adapterhub.audit.side import MAKER, read_side, side_of
from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, Corrupt
from adapterhub.formats.members import EntryMembers
from adapterhub.manifest import BasePin
from adapterhub.verbs.bases import kept_card
from adapterhub.verbs.desk import Desk

if TYPE_CHECKING:
    from adapterhub.store.index.alike import Alike, Key
    from adapterhub.store.index.sides import Known, Maker

__all__ = ["groups", "known_adapters", "matrix", "members"]

Fits = Callable[[Adapter], Iterable[Report]]
Tell = Callable[[str], None]
Watch = Callable[[int, int], None]

FORMATS = frozenset({"peft"})
"""What is audited."""

OFTEN = 100
"""Adapters between two words about how far it is."""


def matrix(desk: Desk, fits: Fits, *, tell: Tell, watch: Watch | None = None) -> list[Report]:
    """The reports of every adapter that can be read; `tell` is told how many cannot be.

    `Corrupt` where there are adapters and none of them can be read: an answer of nothing would say that all is well.
    """
    known, reports, damaged = known_adapters(desk, watch), list[Report](), list[str]()
    recorded = cache(lambda card: kept_card(desk, Digest.parse(card)))
    shared: dict[tuple[str, str, str], list[Report] | None] = {}
    sides = {digest: read_side(data) for digest, data in known.sides.items()}
    for count, row in enumerate(known.rows):
        if watch and count % OFTEN == 0:
            watch(count, len(known.rows))
        if (key := (row.side, row.pin, row.noted)) not in shared:
            try:
                shared[key] = list(fits(_pinned(sides[row.side], row.pin, row.noted, recorded)))
            except AdapterHubError:  # one pin whose card is damaged hides no other adapter
                shared[key] = None
        if (group := shared[key]) is None:
            damaged.append(row.reference)
        else:
            reports += [one.of(row.reference, row.digest) for one in group]
    damaged = [*known.damaged, *damaged]
    if damaged and not reports:
        raise Corrupt(
            f"{'no adapter' if len(damaged) == 1 else f'none of the {len(damaged)} adapters'} here can be read: "
            f"{_some(damaged)}",
            hint="`adapterhub check` says what is wrong with each",
        )
    _tell(damaged, known.others, tell)
    return reports


def known_adapters(desk: Desk, watch: Watch | None = None) -> "Known":
    """Every adapter of the store that can be audited, from the index."""
    from adapterhub.store.index.sides import known

    return known(desk.store, _maker(), watch)


def groups(desk: Desk, namespaces: frozenset[str] | None) -> "tuple[list[tuple[Alike, Adapter]], int]":
    """The newest versions somebody sees, those that fit alike together, each group with one adapter for all of it.

    What cannot be read, or was not read yet by `known_adapters`, is left out, and counted.
    """
    from adapterhub.store.index.alike import alike, texts

    found = alike(desk.store, _maker(), namespaces)
    sides = {digest: read_side(data) for digest, data in texts(desk.store, found).items()}
    recorded = cache(lambda card: kept_card(desk, Digest.parse(card)))
    pairs: list[tuple[Alike, Adapter]] = []
    for one in found:
        if one.side in sides:
            with suppress(AdapterHubError):  # one pin whose card is damaged hides no other adapter
                pairs.append((one, _pinned(sides[one.side], one.pin, one.noted, recorded)))
    return pairs, sum(one.count for one in found if not one.side)


def members(
    desk: Desk, keys: "Iterable[Key]", namespaces: frozenset[str] | None, most: int
) -> "list[tuple[str, str, Key]]":
    """The first adapters of some groups, by name: what each is called, its digest, its group."""
    from adapterhub.store.index.alike import members as first

    return first(desk.store, _maker(), keys, namespaces, most)


def _maker() -> "Maker":
    from adapterhub.store.index.sides import Maker

    return Maker(MAKER, FORMATS, _make)


def _make(entry: Entry) -> bytes:
    return side_of(adapter_of(EntryMembers(entry), ""))


def _pinned(side: Adapter, pin: str, noted: str, recorded: Callable[[str], Card | None]) -> Adapter:
    """The side with what is said about the base."""
    said = BasePin.model_validate_json(pin) if pin else None
    other = BasePin.model_validate_json(noted) if noted else None
    return replace(side, pin=said, noted=other, recorded=recorded(said.card) if said and said.card else None)


def _tell(damaged: list[str], others: int, tell: Tell) -> None:
    if damaged:
        tell(f"{len(damaged)} cannot be read and are left out: {_some(damaged)}; `adapterhub check` says more")
    if others:
        tell(f"{others} of other formats than PEFT are left out: they cannot be audited")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

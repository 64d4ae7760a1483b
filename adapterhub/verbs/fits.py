"""`audit`: which adapter fits which base, one pair or all of them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import final

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.fit import fit
from adapterhub.audit.read import adapter_of
from adapterhub.audit.report import Report, Verdict, good_enough
from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, NotFound
from adapterhub.formats.intake import take
from adapterhub.formats.members import EntryMembers, FolderMembers
from adapterhub.manifest import BasePin
from adapterhub.note import gather
from adapterhub.reference import is_folder
from adapterhub.verbs.bases import card_for, known_cards
from adapterhub.verbs.desk import Desk

__all__ = ["audit", "unfit"]


@final
class Base:
    """A base that was asked for: headers at once, hashes only when an adapter's pin can be compared with them.

    Of a card that was given there are no others.
    """

    def __init__(self, desk: Desk, word: str | None = None, card: Card | None = None) -> None:
        self._desk, self._word, self._card = desk, word, card

    @cached_property
    def headers(self) -> Card:
        return self._card or card_for(self._desk, str(self._word), hashes=False)

    @cached_property
    def hashed(self) -> Card:
        return card_for(self._desk, self._word) if self._word and self.headers.header_only else self.headers

    def fit(self, adapter: Adapter) -> Report:
        """The fit of an adapter; reading the weights is worth it only where their digests decide."""
        report = fit(adapter, self.headers)
        pinned = adapter.pin is not None and adapter.pin.evidence == "bytes"
        return fit(adapter, self.hashed) if pinned and report.verdict == "unpinned" else report


def audit(desk: Desk, words: Iterable[str] = (), bases: Iterable[str | Card] = ()) -> list[Report]:
    """The fit of every adapter on every base; without words, of all in the store; without bases, on all known ones.

    An adapter that was named and cannot be audited raises; in the matrix of all it is left out.
    """
    named = tuple(dict.fromkeys(words))
    asked = _bases(desk, bases)
    reports = []
    seen = set[tuple[str, str | None]]()
    for word in named or _all(desk):
        try:
            adapter = _adapter(desk, word)
            if (adapter.name, adapter.digest) not in seen:  # one version may be named in several ways
                reports += [base.fit(adapter) for base in asked]
                seen.add((adapter.name, adapter.digest))
        except AdapterHubError:
            if named:
                raise
    return reports


def _bases(desk: Desk, asked: Iterable[str | Card]) -> list[Base]:
    named = list(asked) or list(known_cards(desk))
    words = dict.fromkeys(one for one in named if isinstance(one, str))
    cards = (one for one in named if isinstance(one, Card))
    bases = [*(Base(desk, word) for word in words), *(Base(desk, card=card) for card in cards)]
    for base in bases:
        _ = base.headers  # a base that is not there is said before any adapter is read
    if not bases:
        raise NotFound(
            "no base is known here, so there is nothing to compare with",
            hint="give one: --base ./folder, or an entry of kind model; or keep one: adapterhub base add ./folder",
        )
    return bases


def _all(desk: Desk) -> Iterator[str]:
    """Every adapter of the store that can be read."""
    for listed in desk.store.list():
        with suppress(AdapterHubError):  # one version whose manifest is damaged hides no other
            if desk.store.manifest(listed.digest).kind == "adapter":
                yield str(listed.reference)


def _adapter(desk: Desk, word: str) -> Adapter:
    if is_folder(word):
        with take(desk.folder(word)) as intake:
            return adapter_of(FolderMembers(intake.paths), word)
    listed, entry = desk.find(word)
    noted = gather(entry.notes).pin
    recorded = _recorded(desk, entry, entry.manifest.base or noted)
    return adapter_of(EntryMembers(entry), str(listed.reference), entry.manifest, noted=noted, recorded=recorded)


def _recorded(desk: Desk, entry: Entry, pin: BasePin | None) -> Card | None:
    """The card of the base an entry is pinned to: the one that came with it, or the one this store keeps."""
    if pin is None or pin.card is None:
        return None
    digest = Digest.parse(pin.card)
    for data in entry.cards:
        if Digest.of(data) == digest:
            return Card.from_bytes(data, f"base card {digest}")
    with suppress(NotFound):
        return Card.from_bytes(desk.store.card(digest), f"base card {digest}")
    return None


def unfit(reports: Iterable[Report], required: Verdict) -> list[Report]:
    """The reports whose verdict is worse than required."""
    return [report for report in reports if not good_enough(report.verdict, required)]

"""Bases: a word becomes a card, and a card a pin."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from adapterhub.base.card import Card
from adapterhub.base.hashing import Watch
from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, BadReference, NotFound, Refused, Unreachable
from adapterhub.finding import Finding
from adapterhub.manifest import BasePin
from adapterhub.note import gather
from adapterhub.protocols.hf_hub.address import Address, is_address, parse_address
from adapterhub.reference import is_folder
from adapterhub.settings import KnownBase
from adapterhub.verbs.base_places import (
    Place,
    address_of,
    at_downloaded,
    at_entry,
    at_folder,
    at_hub,
    is_offline,
    place_of_source,
)
from adapterhub.verbs.desk import Desk

if TYPE_CHECKING:
    from adapterhub.formats.intake import Intake

__all__ = [
    "base_add_card",
    "base_names",
    "card_bytes",
    "card_for",
    "kept_card",
    "known_card",
    "known_cards",
    "other_base",
    "pin_for",
    "pin_of",
    "readable",
    "unheard",
    "with_files",
]

KINDS = "a base is a folder or file (./base), an entry of kind model (ada/base), hf:[org/]name, or one that was kept"

LONGEST = 120
"""Letters of a name that only adapters give."""

HEARD = re.compile(r".* \[([0-9a-f]{12})\]")
"""A name that only adapters give; the digest in it says which base is meant."""


def card_bytes(card: Card) -> bytes:
    """A card as it is kept: without what this machine calls the base, so that the same base has the same card."""
    return card.model_copy(update={"name": "", "source": None}).to_bytes()


def card_for(desk: Desk, word: str, *, hashes: bool = True, watch: Watch | None = None) -> Card:
    """The card of a folder or file, of an entry of kind model, of a repository on a Hub, or of a base known here.

    What lies on a Hub is never hashed: its card has the digests of its files where the Hub tells them.
    """
    if not is_folder(word) and not is_address(word):
        word = unheard(word)
    if (place := _place(desk, word)) is not None:
        return place.card(desk, hashes=hashes, watch=watch)
    return _known(desk, word)


def unheard(name: str) -> str:
    """What is known of a base's name without hearsay: the name a person gave, or its digits.

    >>> unheard("acme/llama [8e4efe0d379a]"), unheard("llama")
    ('8e4efe0d379a', 'llama')
    """
    return heard[1] if (heard := HEARD.fullmatch(name)) else name


def readable(desk: Desk, card: Card) -> Place | None:
    """Where the weights of a card can be read on this machine: where they were, if they are still those."""
    if (place := place_of_source(desk, card.source)) is None:
        return None
    with suppress(AdapterHubError, OSError):
        here = place.card(desk, hashes=not card.header_only)
        if (here.layout_digest, here.weights_digest) == (card.layout_digest, card.weights_digest):
            return place
    return None


def with_files(desk: Desk, card: Card) -> Card:
    """The same card with the digests of its files, where its weights can be read on this machine."""
    place = None if card.files else readable(desk, card)
    return place.with_files(desk, card) if place else card


def _place(desk: Desk, word: str) -> Place | None:
    """Where the base a word names lies; None for what may be a name."""
    if is_address(word):
        return _on_hub(desk, parse_address(word))
    if is_folder(word):
        return at_folder(desk.folder(word))
    # An entry comes before a name from base add: a name kept for an older version must never stand for the newest.
    if "/" in word:
        with suppress(NotFound):
            listed, entry = desk.find(word)
            return at_entry(entry, str(listed.reference))
    return None


def _on_hub(desk: Desk, address: Address) -> Place | None:
    if not is_offline(desk):
        return at_hub(address)
    try:
        return at_downloaded(address)
    except Unreachable:
        if _of_hub(desk, address):
            return None  # its card was kept when the Hub could be asked
        raise


def _of_hub(desk: Desk, address: Address) -> list[Card]:
    """The cards kept of a repository, at the revision that is asked for if that is a commit."""
    found = [(card, address_of(card.source)) for card in known_cards(desk)]
    return [card for card, there in found if there and there.at(address.revision and there.revision) == address]


def _known(desk: Desk, word: str) -> Card:
    cards = list(known_cards(desk))
    found = _of_hub(desk, parse_address(word)) if is_address(word) else [card for card in cards if _means(word, card)]
    if len(found) == 1:
        return found[0]
    if found:
        each = ", ".join(f"{card.weights_digest or _digest(card)} ({card.source})" for card in found)
        raise BadReference(f"{word} may mean {len(found)} bases: {each}", hint="write the first digits of the digest")
    names = ", ".join(sorted(card.name for card in cards)) or "none"
    meant = f"write ./{word} for what lies there in this folder" if word and Path(word).exists() else ""
    raise NotFound(
        f"no base is called {word!r} here; known: {names}", hint=meant or f"{KINDS} by `adapterhub base add`"
    )


def _means(word: str, card: Card) -> bool:
    """Whether a word is a card's name, or the beginning of its digest or of that of its weights."""
    digits = re.fullmatch(r"(?:sha256:)?([0-9a-f]{8,64})", word)
    said = f"sha256:{digits[1]}" if digits else "-"
    return card.name == word or (card.weights_digest or "").startswith(said) or str(_digest(card)).startswith(said)


def _digest(card: Card) -> Digest:
    return Digest.of(card_bytes(card))


def base_names(desk: Desk, told: Mapping[str, str] | None = None) -> Mapping[str, KnownBase]:
    """What bases are called here, by their cards: what a person said; of others, what the adapters pinned to them say.

    The latter is hearsay: the digest stands behind it, and no word means a base by it alone. `told` is what adapters
    say, where not all may be heard.
    """
    known = {digest: base for digest, base in desk.store.settings.bases.items() if base.name != digest[:12]}
    unnamed = [digest for digest in desk.store.card_digests() if digest.hex not in known]
    if not unnamed:
        return known
    from adapterhub.store.index.kin import pinned

    said = pinned(desk.store, None) if told is None else told
    heard = {one.hex: said[str(one)].removeprefix("hf:") for one in unnamed if _is_name(said.get(str(one), ""))}
    return {**known, **{digest: KnownBase(name=f"{name} [{digest[:12]}]") for digest, name in heard.items()}}


def _is_name(word: str) -> bool:
    """Whether what a stranger calls a base can stand in a line."""
    return 0 < len(word) <= LONGEST and word.isprintable()


def known_cards(desk: Desk) -> Iterator[Card]:
    """The cards this store keeps, under the names it knows for them."""
    names = base_names(desk)
    for digest, data in desk.store.cards():
        yield known_card(digest, data, names)


def known_card(digest: Digest, data: bytes, names: Mapping[str, KnownBase]) -> Card:
    """A card as this store knows it: with the name and the place it was read from."""
    known = names.get(digest.hex) or KnownBase(name=digest.short)
    card = Card.from_bytes(data, f"base card {digest}")
    return card.model_copy(update={"name": known.name, "source": known.source or None})


def kept_card(desk: Desk, digest: Digest) -> Card | None:
    """The card of this digest that the store keeps, if it does."""
    try:
        return known_card(digest, desk.store.card(digest), desk.store.settings.bases)
    except NotFound:
        return None


def pin_for(desk: Desk, word: str, intake: "Intake") -> tuple[BasePin, Card]:
    """The pin of a new adapter: its base by content. `Refused` for what has no base."""
    if intake.kind != "adapter":
        raise Refused(f"a {intake.kind} has no base", hint="leave --base out")
    card = card_for(desk, word)
    return pin_of(card), card


def other_base(name: str, entry: Entry, base: Card) -> tuple[Finding, ...]:
    """A warning where an adapter was trained on other weights than those of a base."""
    pin = entry.manifest.base or gather(entry.notes).pin
    known = pin.weights_digest if pin else None
    if known is None or base.weights_digest in (None, known):
        return ()
    what = f"{name} was trained on weights {known[:19]}, and the base's are {str(base.weights_digest)[:19]}"
    remedy = "give the base it was trained on, unless another is meant"
    return (Finding(check="other-base", severity="warning", place=name, message=what, remedy=remedy),)


def pin_of(card: Card) -> BasePin:
    """What pins an adapter to a base: its content and nothing of this machine, so that it is the same on every one.

    What lies on a Hub is pinned by its files where their digests are known, else by its commit.
    """
    there = address_of(card.source) if card.header_only else None
    return BasePin(
        evidence="bytes" if card.weights_digest else "files" if card.files else "revision" if there else "name",
        source=str(there.at(None)) if there else None,
        revision=there.revision if there else None,
        weights_digest=card.weights_digest,
        layout_digest=card.layout_digest,
        card=str(_digest(card)),
    )


def base_add_card(desk: Desk, card: Card) -> str:
    """Keep a card, and what the base is called here."""
    digest = desk.store.put_card(card_bytes(card))
    known = KnownBase(name=card.name, source=card.source or "")
    if unheard(card.name) == digest.short:  # no person's word
        return digest.hex
    if desk.store.settings.bases.get(digest.hex) != known:
        desk.change_settings(lambda s: s.model_copy(update={"bases": {**s.bases, digest.hex: known}}))
    return digest.hex

"""Bases: a word becomes a card, a card a pin; `base add, list, show, diff`."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.base.card import Card, card_of
from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.errors import BadReference, DoesNotFit, NotFound, Refused
from adapterhub.formats.members import EntryMembers, FolderMembers
from adapterhub.manifest import BasePin
from adapterhub.reference import is_folder
from adapterhub.settings import KnownBase
from adapterhub.verbs.desk import Desk

if TYPE_CHECKING:
    from adapterhub.formats.intake import Intake

__all__ = [
    "BaseDiff",
    "BaseShown",
    "base_add",
    "base_diff",
    "base_list",
    "card_bytes",
    "card_for",
    "known_cards",
    "pin_for",
]


class BaseShown(Document):
    """A base: what people call it here, where it lies, and its digests."""

    name: str
    source: str | None = None
    card: str
    layout_digest: str
    weights_digest: str | None = None
    model_type: str | None = None
    tensors: int = 0
    parameters: int = 0

    def plain(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class BaseDiff(Document):
    """The tensors in which two bases differ."""

    a: str
    b: str
    same: int
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def card_bytes(card: Card) -> bytes:
    """A card as it is kept: without what this machine calls the base, so that the same base has the same card."""
    return card.model_copy(update={"name": "", "source": None}).to_bytes()


def card_for(desk: Desk, word: str, *, hashes: bool = True, told: Callable[[int], None] | None = None) -> Card:
    """The card of a folder, of an entry of kind model, or of a base this store knows by name or digest.

    told hears how many more bytes were read.
    """
    if word.startswith("hf:"):
        raise Refused(
            f"{word}: bases on a Hub cannot be read yet",
            hint="download it, then give its folder: --base ./folder",
        )
    if is_folder(word):
        return _card_of_folder(desk.folder(word), hashes, told)
    # An entry comes before a name from base add: a name kept for an older version must never stand for the newest.
    if "/" in word:
        with suppress(NotFound):
            return _card_of_entry(desk, word, hashes, told)
    return _known(desk, word)


def _known(desk: Desk, word: str) -> Card:
    digits = re.fullmatch(r"(?:sha256:)?([0-9a-f]{8,64})", word)
    wanted = f"sha256:{digits[1]}" if digits else "-"
    cards = list(known_cards(desk))
    found = [card for card in cards if card.name == word or (card.weights_digest or "").startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        each = ", ".join(f"{card.weights_digest} ({card.source})" for card in found)
        raise BadReference(f"{word} may mean {len(found)} bases: {each}", hint="write the first digits of the digest")
    names = ", ".join(sorted(card.name for card in cards)) or "none"
    raise NotFound(
        f"no base is called {word!r} here; known: {names}",
        hint="a base is a folder (./base), an entry of kind model (ada/base) or one kept by `adapterhub base add`",
    )


def _card_of_folder(folder: Path, hashes: bool, told: Callable[[int], None] | None) -> Card:
    if not folder.is_dir():
        raise BadReference(f"{folder} is a file; a base is a folder", hint="give the folder that holds config.json")
    members = FolderMembers({path.name: path for path in folder.iterdir() if path.is_file()})
    return card_of(members, hashes=hashes, name=folder.resolve().name, source=str(folder), told=told)


def _card_of_entry(desk: Desk, word: str, hashes: bool, told: Callable[[int], None] | None) -> Card:
    listed, entry = desk.find(word)
    if entry.manifest.kind != "model":
        raise DoesNotFit(
            f"{listed.reference} is of kind {entry.manifest.kind}, and a base is of kind model",
            hint="`adapterhub search --where kind=model` lists the models",
        )
    # An entry never changes: a card made of it once is its card for ever.
    if kept := next((card for card in known_cards(desk) if card.source == str(listed.digest)), None):
        return kept.model_copy(update={"name": str(listed.reference)})
    named = {"name": str(listed.reference), "source": str(listed.digest)}
    return card_of(EntryMembers(entry), hashes=hashes, told=told, **named)


def known_cards(desk: Desk) -> Iterator[Card]:
    """The cards this store keeps, under the names it knows for them."""
    names = desk.store.settings.bases
    for digest, data in desk.store.cards():
        card = Card.from_bytes(data, f"base card {digest}")
        known = names.get(digest.hex) or KnownBase(name=digest.short)
        yield card.model_copy(update={"name": known.name, "source": known.source or None})


def pin_for(desk: Desk, word: str, intake: "Intake") -> tuple[BasePin, Card]:
    """The pin of a new adapter: its base by content. `Refused` for what has no base."""
    if intake.kind != "adapter":
        raise Refused(f"a {intake.kind} has no base", hint="leave --base out")
    card = card_for(desk, word)
    return pin_of(card), card


def pin_of(card: Card) -> BasePin:
    """What pins an adapter to a base: its content and nothing else, so that the pin is the same on every machine."""
    return BasePin(
        evidence="bytes",
        weights_digest=card.weights_digest,
        layout_digest=card.layout_digest,
        card=str(Digest.of(card_bytes(card))),
    )


def base_add_card(desk: Desk, card: Card) -> str:
    """Keep a card, and what the base is called here."""
    digest = desk.store.put_card(card_bytes(card))
    known = KnownBase(name=card.name, source=card.source or "")
    if desk.store.settings.bases.get(digest.hex) != known:
        desk.change_settings(lambda s: s.model_copy(update={"bases": {**s.bases, digest.hex: known}}))
    return digest.hex


def _shown(card: Card, digest: str) -> BaseShown:
    return BaseShown(
        name=card.name,
        source=card.source,
        card=f"sha256:{digest}",
        layout_digest=card.layout_digest,
        weights_digest=card.weights_digest,
        model_type=card.model_type,
        tensors=len(card.tensors),
        parameters=sum(_count(row.shape) for row in card.tensors),
    )


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def base_add(desk: Desk, word: str) -> BaseShown:
    """Read a base once, hash its tensors, keep its card."""
    card = card_for(desk, word)
    return _shown(card, base_add_card(desk, card))


def base_show(desk: Desk, word: str) -> BaseShown:
    """What a base is, whether it is kept or not."""
    card = card_for(desk, word)
    return _shown(card, Digest.of(card_bytes(card)).hex)


def base_list(desk: Desk) -> list[BaseShown]:
    """The bases this store knows."""
    return [_shown(card, Digest.of(card_bytes(card)).hex) for card in known_cards(desk)]


def base_diff(desk: Desk, a: str, b: str) -> BaseDiff:
    """Which tensors two bases do not share."""
    one, two = card_for(desk, a), card_for(desk, b)
    left, right = one.by_name, two.by_name
    both = sorted(left.keys() & right.keys())
    reshaped = [name for name in both if left[name].shape != right[name].shape]
    changed = [
        name
        for name in both
        if name not in reshaped and (left[name].dtype, left[name].sha256) != (right[name].dtype, right[name].sha256)
    ]
    return BaseDiff(
        a=one.name,
        b=two.name,
        same=len(both) - len(reshaped) - len(changed),
        only_a=tuple(sorted(left.keys() - right.keys())),
        only_b=tuple(sorted(right.keys() - left.keys())),
        reshaped=tuple(reshaped),
        changed=tuple(changed),
    )

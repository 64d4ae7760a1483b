"""`base add, show, list`: what a base is, for people and for machines."""

from math import prod
from pathlib import Path
from typing import Any

from adapterhub.base.card import Card
from adapterhub.base.hashing import Watch
from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.verbs.bases import base_add_card, card_bytes, card_for, known_cards
from adapterhub.verbs.desk import Desk

__all__ = ["BaseShown", "base_add", "base_list", "base_show", "shown_card"]


class BaseShown(Document):
    """A base: what people call it here, where it lies, and its digests.

    `files` are the sha256 of its files where those and not its tensors are known. `gone`: it lies no more where it was
    read. `formerly` is what the same base was called here until now.
    """

    name: str
    source: str | None = None
    card: str
    layout_digest: str
    weights_digest: str | None = None
    files: dict[str, str] = {}
    model_type: str | None = None
    tensors: int = 0
    parameters: int = 0
    dtypes: dict[str, int] = {}
    gone: bool = False
    formerly: str = ""

    def plain(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def base_add(desk: Desk, word: str, watch: Watch | None = None) -> BaseShown:
    """Read a base once, hash its tensors, keep its card."""
    card = card_for(desk, word, watch=watch)
    known = desk.store.settings.bases.get(Digest.of(card_bytes(card)).hex)
    shown = shown_card(card, base_add_card(desk, card))
    return shown.model_copy(update={"formerly": known.name if known and known.name != card.name else ""})


def base_show(desk: Desk, word: str, watch: Watch | None = None) -> BaseShown:
    """What a base is, whether it is kept or not."""
    card = card_for(desk, word, watch=watch)
    return shown_card(card, Digest.of(card_bytes(card)).hex)


def base_list(desk: Desk) -> list[BaseShown]:
    """The bases this store knows."""
    return [shown_card(card, Digest.of(card_bytes(card)).hex) for card in known_cards(desk)]


def shown_card(card: Card, digest: str) -> BaseShown:
    """What a card says; `digest` is its own, in hex."""
    dtypes: dict[str, int] = {}
    for row in card.tensors:
        dtypes[row.dtype] = dtypes.get(row.dtype, 0) + prod(row.shape)
    kind = card.model_type or card.config.get("_class_name")
    return BaseShown(
        name=card.name,
        source=card.source,
        card=f"sha256:{digest}",
        layout_digest=card.layout_digest,
        weights_digest=card.weights_digest,
        files=card.files,
        model_type=kind if isinstance(kind, str) else None,
        tensors=len(card.tensors),
        parameters=sum(dtypes.values()),
        dtypes=dict(sorted(dtypes.items())),
        gone=_gone(card.source),
    )


def _gone(source: str | None) -> bool:
    return source is not None and Path(source).is_absolute() and not Path(source).exists()

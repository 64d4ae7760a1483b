"""Notes and base cards of a repository's versions, which have places in every revision of it."""

from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.entry import cards_of
from adapterhub.errors import AdapterHubError
from adapterhub.protocols.hf_hub.layout import base_of, note_of
from adapterhub.reference import Name
from adapterhub.store.store import Store
from adapterhub.verbs.desk import Desk

__all__ = ["extra", "names_card"]


def extra(desk: Desk, name: Name, path: str) -> tuple[Path, Digest] | None:
    """Where a note about one of the versions, or a base card one of them names, lies; None for every other path."""
    store = desk.store.under(name)
    found: tuple[Path, Digest] | None = None
    if note := note_of(path):
        about, own = note
        there = store.notes.files(about) if about in _digests(store, name) else ()
        found = next(((file, own) for file in there if file.stem == own.hex), None)
    elif (card := base_of(path)) and names_card(desk, name, card):
        found = store.layout.base(card), card
    return found if found and found[0].is_file() else None


def names_card(desk: Desk, name: Name, card: Digest) -> bool:
    """Whether a version of a repository names a base card, in its manifest or in a note."""
    store = desk.store.under(name)
    return any(_names(store, digest, card) for digest in _digests(store, name))


def _digests(store: Store, name: Name) -> set[Digest]:
    return {version.digest for version in store.names.shelf(name).versions}


def _names(store: Store, digest: Digest, card: Digest) -> bool:
    """Whether an entry names a base card."""
    try:
        return card in cards_of(store.manifest(digest), store.notes.about(digest))
    except AdapterHubError:  # a damaged version hides no other's card
        return False

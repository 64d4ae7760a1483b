"""Notes and base cards of a repository's versions, which have places in every revision of it."""

from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.entry import cards_of
from adapterhub.errors import AdapterHubError
from adapterhub.protocols.hf_hub.layout import base_of, note_of
from adapterhub.reference import Name
from adapterhub.verbs.desk import Desk

__all__ = ["beside"]


def beside(desk: Desk, name: Name, path: str) -> tuple[Path, Digest] | None:
    """Where a note about one of the versions, or a base card one of them names, lies; None for every other path."""
    store = desk.store
    digests = {version.digest for version in store.names.shelf(name).versions}
    found: tuple[Path, Digest] | None = None
    if note := note_of(path):
        about, own = note
        found = (store.layout.notes(about) / f"{own.hex}.json", own) if about in digests else None
    elif (card := base_of(path)) and any(_names(desk, digest, card) for digest in digests):
        found = store.layout.base(card), card
    return found if found and found[0].is_file() else None


def _names(desk: Desk, digest: Digest, card: Digest) -> bool:
    """Whether an entry names a base card."""
    try:
        return card in cards_of(desk.store.manifest(digest), desk.store.notes.about(digest))
    except AdapterHubError:  # a damaged version hides no other's card
        return False

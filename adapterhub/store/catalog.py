"""catalog.json: what a web site that cannot list a folder needs to know. Derived; nothing else reads it."""

from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.durable import replace
from adapterhub.store.notes import files
from adapterhub.store.shelf import now
from adapterhub.store.store import Store
from adapterhub.store.summary import Summary

__all__ = ["LARGEST_CATALOG", "Catalog", "make_catalog", "write_catalog"]

LARGEST_CATALOG = 512 << 20
"""Bytes of a catalog: it grows with the registry, about 600 for each entry."""


class Catalog(Document):
    """Every entry as `list` shows it, each adapter's newest version last; the notes of every digest, by their own
    digests; and when this was written."""

    time: str
    entries: tuple[Summary, ...] = ()
    notes: dict[str, tuple[str, ...]] = {}


def make_catalog(store: Store) -> Catalog:
    """The catalog of what a store holds now; the line of an entry that cannot be read says why, and hides no other."""
    entries = tuple(store.summaries())
    digests = {Digest.parse(entry.digest) for entry in entries if entry.digest}
    notes = {digest.hex: _notes(store, digest) for digest in digests}
    return Catalog(time=now(), entries=entries, notes={about: names for about, names in notes.items() if names})


def _notes(store: Store, about: Digest) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in files(store.layout.notes(about))))


def write_catalog(store: Store) -> Catalog:
    """Write catalog.json beside the names."""
    catalog = make_catalog(store)
    replace(store.layout.catalog, catalog.to_bytes() + b"\n")
    return catalog

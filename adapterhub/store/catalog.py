"""catalog.json: what a web site that cannot list a folder needs to know. Derived; nothing else reads it."""

from typing import TYPE_CHECKING

from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.durable import replace
from adapterhub.store.names import now
from adapterhub.store.notes import files
from adapterhub.store.summary import Summary, summary_of

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Catalog", "make_catalog", "write_catalog"]


class Catalog(Document):
    """Every entry as `list` shows it, each adapter's newest version last; the notes of every digest, by their own
    digests; and when this was written."""

    time: str
    entries: tuple[Summary, ...] = ()
    notes: dict[str, tuple[str, ...]] = {}


def make_catalog(store: "Store") -> Catalog:
    """The catalog of what a store holds now; `Corrupt` where an entry cannot be read."""
    entries = tuple(summary_of(store, listed) for listed in store.list())
    digests = {Digest.parse(entry.digest) for entry in entries}
    notes = {digest.hex: _notes(store, digest) for digest in digests}
    return Catalog(time=now(), entries=entries, notes={about: names for about, names in notes.items() if names})


def _notes(store: "Store", about: Digest) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in files(store.layout.notes(about))))


def write_catalog(store: "Store") -> Catalog:
    """Write catalog.json beside the names."""
    catalog = make_catalog(store)
    replace(store.layout.catalog, catalog.to_bytes() + b"\n")
    return catalog

"""The last step of a publish: what is said about the entry, the event, and the name. Its bytes are there already."""

from collections.abc import Iterable
from typing import Protocol

from adapterhub.entry import Entry
from adapterhub.errors import Conflict
from adapterhub.note import Note
from adapterhub.reference import Reference
from adapterhub.store.lookup import Lookup

__all__ = ["TRIES", "Place", "name_entry"]

TRIES = 100


class Told(Protocol):
    """An event that was told before its deed."""

    def take_back(self) -> None: ...

    def done(self) -> None: ...


class Telling(Protocol):
    """Where events are told."""

    def write(self, action: str, reference: str, *, digest: str = "", by: str = "", detail: str = "") -> Told: ...


class Noting(Protocol):
    """Where notes are kept."""

    def missing(self, notes: Iterable[Note]) -> list[Note]: ...

    def add(self, notes: Iterable[Note]) -> None: ...


class Place(Protocol):
    """A registry that can be written to, and who writes."""

    @property
    def names(self) -> Lookup: ...

    @property
    def notes(self) -> Noting: ...

    @property
    def events(self) -> Telling: ...

    @property
    def user(self) -> str: ...


def name_entry(place: Place, entry: Entry, reference: Reference) -> Reference:
    """Keep the entry's notes and let a version name it; the reference of that. `LabelTaken` where it means another."""
    name, digest = reference.name, entry.digest
    for _ in range(TRIES):
        with place.names.settled():
            label = place.names.label_for(reference, digest)
            named = name.at(label)
            known = place.names.version(name, label)
            if known and known.digest != digest:  # taken by another writer since it was free
                continue
            if known and not place.notes.missing(entry.notes):
                return named
            # Before what it tells of, so that no crash hides a note or a name from the index.
            action = "note" if known else "publish"
            event = place.events.write(action, str(named), digest=str(digest), by=place.user)
            place.notes.add(entry.notes)
            try:
                if not known:
                    place.names.point(name, label, digest, place.user)
            except Conflict:
                event.take_back()
                if reference.pin is not None and not reference.is_digest:
                    raise
            else:
                event.done()
                return named
    raise Conflict(f"{reference}: {TRIES} other writers were faster", hint="try again")

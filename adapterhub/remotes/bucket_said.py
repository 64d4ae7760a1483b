"""What is said in a bucket about entries and deeds: notes, base cards and events, each written once."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath
from typing import final

from adapterhub.digest import Digest, verify
from adapterhub.errors import BadReference, Corrupt
from adapterhub.note import Note
from adapterhub.remotes.bucket_objects import Objects
from adapterhub.remotes.bucket_tree import TREE
from adapterhub.store.events import Event
from adapterhub.store.shelf import now

__all__ = ["BucketEvents", "BucketNotes", "card", "put_card"]


@final
@dataclass(frozen=True)
class BucketNotes:
    """The notes in one bucket."""

    objects: Objects

    def about(self, digest: Digest) -> tuple[Note, ...]:
        """Everything said about a digest, in order of time. Files whose name is no digest are left out,
        and notes that are ill-formed."""
        names = {}
        for key in self.objects.keys(str(TREE.notes(digest))):
            with suppress(BadReference):
                names[key] = Digest(PurePosixPath(key).name.removesuffix(".json"))
        found = list[Note]()
        for (key, name), data in zip(names.items(), self.objects.many(list(names)), strict=True):
            if isinstance(data, Corrupt):
                raise data
            if data is not None:
                what = f"{self.objects.url}/{key}"
                found.extend(Note.heard(verify(data, name, what), digest, what))
        return tuple(sorted(found, key=lambda note: note.time))

    def missing(self, notes: Iterable[Note]) -> list[Note]:
        """The notes that are not there yet."""
        missing = []
        for about, said in groupby(notes, key=lambda note: note.about):
            there = set(self.objects.keys(str(TREE.notes(Digest.parse(about)))))
            missing += [note for note in said if _path(note) not in there]
        return missing

    def add(self, notes: Iterable[Note]) -> None:
        """Write the notes that are not there yet."""
        for note in self.missing(notes):
            self.objects.create(_path(note), note.to_bytes())


def _path(note: Note) -> str:
    return f"{TREE.notes(Digest.parse(note.about))}/{Digest.of(note.to_bytes()).hex}.json"


def put_card(objects: Objects, data: bytes) -> None:
    """Keep a base card under its own digest; a damaged one that lies there is mended."""
    path = str(TREE.base(Digest.of(data)))
    if not objects.create(path, data) and objects.read(path) != data:
        objects.write(path, data)


def card(objects: Objects, digest: Digest) -> bytes:
    """A base card's bytes, verified; `Corrupt` where it is missing, though an entry names it."""
    path = str(TREE.base(digest))
    if (data := objects.read(path)) is None:
        raise Corrupt(
            f"{objects.url}/{path}: no such base card, though an entry's base pin names it",
            hint="push the entry again from a store that has it: its base card goes with it",
        )
    return verify(data, digest, f"{objects.url}/{path}")


@final
@dataclass(frozen=True)
class Told:
    """An event that can be taken back."""

    objects: Objects
    path: str

    def take_back(self) -> None:
        self.objects.delete(self.path)

    def done(self) -> None:
        """A bucket has no index that would have to hear of it."""


@final
@dataclass(frozen=True)
class BucketEvents:
    """The events in one bucket."""

    objects: Objects

    def write(self, action: str, reference: str, *, digest: str = "", by: str = "", detail: str = "") -> Told:
        """Tell an event; what is returned can be taken back when the deed fails."""
        event = Event(time=now(), action=action, reference=reference, digest=digest, by=by, detail=detail)
        told = Told(self.objects, f"{TREE.events}/{event.file_name()}")
        self.objects.write(told.path, event.to_bytes() + b"\n")
        return told

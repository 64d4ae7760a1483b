"""Notes on the disk: one file each under the digest they are about, named by their own.

What is said in a store is the store's own, and counts under every name of an entry. What a guest says counts under one
name alone, and lies beside its versions. An entry that a guest brought is apart: under that name nothing else counts.
See docs/decisions/0038-notes-between-namespaces.md.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.durable import write_new
from adapterhub.note import Note
from adapterhub.reference import Name
from adapterhub.regular import read_regular
from adapterhub.store.layout import APART, Layout
from adapterhub.store.places import inside
from adapterhub.store.shelf import read_shelf

__all__ = ["Notes", "files"]


@final
@dataclass(frozen=True)
class Notes:
    """The notes below one root: the store's own, or those that count under a `name`. A `guest` adds to these alone."""

    layout: Layout
    name: Name | None = None
    guest: bool = False

    def about(self, digest: Digest) -> tuple[Note, ...]:
        """Everything said about a digest, in order of time; what is ill-formed is left to `check`."""
        found = list[Note]()
        for path in self.files(digest):
            with contextlib.suppress(FileNotFoundError):  # swept meanwhile, with what it is about
                found.extend(Note.heard(read_regular(path), digest, str(path)))
        return tuple(sorted(found, key=lambda note: note.time))

    def files(self, digest: Digest) -> list[Path]:
        """Where the notes about a digest lie, by their names; what lies in two places is told once."""
        there = {path.name: path for folder in self._folders(digest) for path in files(folder)}
        return [there[name] for name in sorted(there)]

    def path(self, note: Note) -> Path:
        """Where a note lies, or would."""
        name = f"{Digest.of(note.to_bytes()).hex}.json"
        paths = [folder / name for folder in self._folders(Digest.parse(note.about))]
        return next((path for path in paths if path.exists()), paths[-1 if self.guest else 0])

    def missing(self, notes: Iterable[Note]) -> list[Note]:
        """The notes that are not there yet."""
        return [note for note in notes if not self.path(note).exists()]

    def add(self, notes: Iterable[Note]) -> None:
        """Write the notes that are not there yet."""
        for note in self.missing(notes):
            with contextlib.suppress(FileExistsError):
                write_new(self.path(note), note.to_bytes())

    def begin(self, digest: Digest) -> None:
        """Called before a version of the name is to mean a digest. Where a guest brings it, and no version of the name
        has it yet, what the store says of it counts there no more: he may know nothing but the files."""
        if not self.guest or self.name is None:
            return
        shelf, mark = read_shelf(self.layout.versions(self.name)), self.layout.notes(digest, self.name) / APART
        if any(version.digest == digest for version in shelf.versions) or mark.exists():
            return
        with contextlib.suppress(FileExistsError):
            write_new(mark, b"")

    def follow(self, to: Name) -> None:
        """Let what counts under the name alone count under another, which is to have its versions."""
        for folder in inside(self.layout.root / f"names/{self.name}/notes"):
            for path in inside(folder):
                with contextlib.suppress(FileExistsError):
                    write_new(self.layout.notes(Digest(folder.name), to) / path.name, read_regular(path))

    def forget(self) -> None:
        """Forget what counts under the name alone; called when its versions are gone."""
        shutil.rmtree(self.layout.root / f"names/{self.name}/notes", ignore_errors=True)

    def _folders(self, digest: Digest) -> Iterator[Path]:
        """Where the notes lie that count; what is said goes to the first, what a guest says to the last."""
        own = self.layout.notes(digest, self.name) if self.name else None
        if own is None or not (own / APART).exists():
            yield self.layout.notes(digest)
        if own is not None:
            yield own


def files(folder: Path) -> list[Path]:
    """The notes in a folder, by name; none where a sweep took it away."""
    try:
        with os.scandir(folder) as found:
            return sorted(Path(item.path) for item in found if item.name.endswith(".json"))
    except (FileNotFoundError, NotADirectoryError):
        return []

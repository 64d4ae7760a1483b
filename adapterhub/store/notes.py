"""Notes on the disk: one file each under the digest they are about, named by their own."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.durable import write_new
from adapterhub.note import Note
from adapterhub.store.layout import Layout

__all__ = ["Notes"]


@final
@dataclass(frozen=True)
class Notes:
    """The notes below one root."""

    layout: Layout

    def about(self, digest: Digest) -> tuple[Note, ...]:
        """Everything said about a digest, in order of time."""
        folder = self.layout.notes(digest)
        found = [Note.read(path.read_bytes(), digest, str(path)) for path in folder.glob("*.json")]
        return tuple(sorted(found, key=lambda note: (note.time, note.to_bytes())))

    def path(self, note: Note) -> Path:
        """Where a note lies, or would."""
        return self.layout.notes(Digest.parse(note.about)) / f"{Digest.of(note.to_bytes()).hex}.json"

    def missing(self, notes: Iterable[Note]) -> list[Note]:
        """The notes that are not there yet."""
        return [note for note in notes if not self.path(note).exists()]

    def add(self, notes: Iterable[Note]) -> None:
        """Write the notes that are not there yet."""
        for note in self.missing(notes):
            with contextlib.suppress(FileExistsError):
                write_new(self.path(note), note.to_bytes())

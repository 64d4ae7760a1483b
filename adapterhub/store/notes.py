"""Notes on the disk: one file each under the digest they are about, named by their own."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.durable import write_new
from adapterhub.note import Note
from adapterhub.regular import read_regular
from adapterhub.store.layout import Layout

__all__ = ["Notes", "files"]


@final
@dataclass(frozen=True)
class Notes:
    """The notes below one root."""

    layout: Layout

    def about(self, digest: Digest) -> tuple[Note, ...]:
        """Everything said about a digest, in order of time."""
        found = []
        for path in files(self.layout.notes(digest)):
            with contextlib.suppress(FileNotFoundError):  # swept meanwhile, with what it is about
                found.append(Note.read(read_regular(path), digest, str(path)))
        return tuple(sorted(found, key=lambda note: note.time))

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


def files(folder: Path) -> list[Path]:
    """The notes in a folder, by name; none where a sweep took it away."""
    try:
        with os.scandir(folder) as found:
            return sorted(Path(item.path) for item in found if item.name.endswith(".json"))
    except (FileNotFoundError, NotADirectoryError):
        return []

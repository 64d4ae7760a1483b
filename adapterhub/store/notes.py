"""Notes on the disk: one file each under the digest they are about, named by their own."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
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
        found = [Note.from_bytes(path.read_bytes(), str(path)) for path in folder.glob("*.json")]
        return tuple(sorted(found, key=lambda note: (note.time, note.to_bytes())))

    def add(self, notes: Iterable[Note]) -> int:
        """Write the notes that are not there yet; how many that were."""
        written = 0
        for note in notes:
            data = note.to_bytes()
            path = self.layout.notes(Digest.parse(note.about)) / f"{Digest.of(data).hex}.json"
            if not path.exists():
                with contextlib.suppress(FileExistsError):
                    write_new(path, data)
                    written += 1
        return written

"""The one noun in the middle: an entry is a manifest and a way to read its files.

A folder becomes one, a registry opens one, a merge makes one, a training run ends in one; the store and the remotes
take them. Pull and push are the same line with different ends.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, final

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt, NotFound
from adapterhub.manifest import File, Manifest
from adapterhub.note import Note
from adapterhub.regular import open_regular

__all__ = ["Damaged", "Entry", "Files", "FolderFiles", "cards_of"]


class Damaged(Corrupt):
    """A way to read files gave other bytes than the manifest promises: whoever holds those has a damaged copy."""


class Files(Protocol):
    """A way to read the files of an entry. The reader verifies: bytes are only as good as their digest."""

    def open(self, file: File, start: int = 0) -> BinaryIO:
        """A stream of the file's bytes from `start` on; seekable when the file lies on this machine."""
        ...


@final
@dataclass(frozen=True)
class FolderFiles:
    """Files that lie in a folder, possibly under other names than the manifest's."""

    folder: Path
    renamed: dict[str, Path] = field(default_factory=dict)

    def open(self, file: File, start: int = 0) -> BinaryIO:
        stream = open_regular(self.renamed.get(file.path) or self.folder / file.path)
        stream.seek(start)
        return stream


@final
@dataclass(frozen=True)
class Entry:
    """One version of an adapter, a model or a data set, wherever it lies.

    `notes` and `cards` are what travels with it: notes about it, and the base cards (JSON bytes) its notes and its
    manifest name.
    """

    manifest: Manifest
    files: Files
    notes: tuple[Note, ...] = ()
    cards: tuple[bytes, ...] = ()

    @property
    def digest(self) -> Digest:
        return self.manifest.digest

    def open(self, path: str) -> BinaryIO:
        """A stream of one file, by its path in the manifest."""
        file = self.manifest.file(path)
        if file is None:
            there = ", ".join(self.paths()) or "none"
            raise NotFound(f"{path}: no such file in the entry {self.digest.short}", hint=f"its files: {there}")
        return self.files.open(file)

    def paths(self) -> Iterable[str]:
        return (file.path for file in self.manifest.files)


def cards_of(manifest: Manifest, notes: Iterable[Note]) -> list[Digest]:
    """The base cards that an entry names: in its manifest's pin, or in one noted later."""
    pins = [manifest.base.card if manifest.base else None]
    pins += [note.data.get("card") for note in notes if note.kind == "base"]
    return sorted({Digest.parse(pin) for pin in pins if pin})

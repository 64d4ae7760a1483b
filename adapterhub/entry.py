"""The one noun in the middle: an entry is a manifest and a way to read its files.

A folder becomes one, a registry opens one, a merge makes one, a training run ends in one; the store and the remotes
take them. Pull and push are the same line with different ends.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, final

from adapterhub.digest import Digest
from adapterhub.manifest import File, Manifest
from adapterhub.note import Note

__all__ = ["Entry", "Files", "FolderFiles"]


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
        stream = (self.renamed.get(file.path) or self.folder / file.path).open("rb")
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
            raise KeyError(path)
        return self.files.open(file)

    def paths(self) -> Iterable[str]:
        return (file.path for file in self.manifest.files)

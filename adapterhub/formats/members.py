"""The files a format looks at, wherever they lie: names, sizes and a way to read them."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, final

from adapterhub.digest import verify
from adapterhub.entry import Entry
from adapterhub.manifest import File

__all__ = ["EntryMembers", "FolderMembers", "Members"]

SMALL = 1 << 20
"""Bytes of a file that is read whole, and so verified, wherever a part of it is wanted."""


class Members(Protocol):
    """Some files under their names. A name has no folder in it unless the format has folders."""

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        ...

    def size(self, name: str) -> int:
        """How many bytes the file has."""
        ...

    def open(self, name: str) -> BinaryIO:
        """A seekable stream of the file, at its beginning."""
        ...


@final
@dataclass(frozen=True)
class FolderMembers:
    """Files on this machine."""

    paths: Mapping[str, Path]

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.paths))

    def size(self, name: str) -> int:
        return self.paths[name].stat().st_size

    def open(self, name: str) -> BinaryIO:
        return self.paths[name].open("rb")


@final
@dataclass(frozen=True)
class EntryMembers:
    """The files of an entry: small ones, as its configs are, verified; large ones as they lie there."""

    entry: Entry

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.entry.paths()))

    def size(self, name: str) -> int:
        return self._file(name).size

    def open(self, name: str) -> BinaryIO:
        """A stream of the file; `Corrupt` where it is small and its bytes are not those of the manifest."""
        file = self._file(name)
        stream = self.entry.files.open(file)
        if file.size > SMALL:
            return stream
        with stream:
            return io.BytesIO(verify(stream.read(SMALL + 1), file.blob, name))

    def _file(self, name: str) -> File:
        file = self.entry.manifest.file(name)
        if file is None:
            raise KeyError(name)
        return file

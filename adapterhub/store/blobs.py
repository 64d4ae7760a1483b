"""Blobs: bytes under their digest. Reading a small one verifies it; streams are verified by whoever takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

from adapterhub.digest import Digest, copy_and_hash, verify
from adapterhub.durable import beside
from adapterhub.errors import BadReference, Corrupt
from adapterhub.manifest import File
from adapterhub.regular import open_regular, read_regular
from adapterhub.store.layout import Layout

__all__ = ["BlobFiles", "Blobs", "copy_out"]


@final
@dataclass(frozen=True)
class Blobs:
    """The blobs below one root."""

    layout: Layout

    def has(self, digest: Digest) -> bool:
        """Whether a file is there; whatever else lies in its place makes room when the blob arrives."""
        return self.layout.blob(digest).is_file()

    def open(self, digest: Digest, what: str) -> BinaryIO:
        """A seekable stream of a blob, not verified: the one who lets bytes out verifies them."""
        try:
            return open_regular(self.layout.blob(digest))
        except FileNotFoundError:
            raise self._missing(digest, what) from None

    def read(self, digest: Digest, what: str) -> bytes:
        """All bytes of a small blob, verified."""
        try:
            return verify(read_regular(self.layout.blob(digest)), digest, what)
        except FileNotFoundError:
            raise self._missing(digest, what) from None

    def _missing(self, digest: Digest, what: str) -> Corrupt:
        return Corrupt(
            f"{what}: the blob {digest} is missing in {self.layout.root}",
            hint="`adapterhub check` tells what else is; `adapterhub check --repair` looks for it in the remotes",
        )

    def all(self) -> Iterator[tuple[Digest | None, Path]]:
        """Every file among the blobs, with the digest its name claims, or None where the name is not a digest."""
        for path in sorted(self.layout.blobs.glob("*/*")):
            if path.name.startswith("."):  # being written
                continue
            try:
                digest = Digest(path.name)
                yield (digest if self.layout.blob(digest) == path else None), path
            except BadReference:
                yield None, path


@final
@dataclass(frozen=True)
class BlobFiles:
    """The files of an entry, as blobs of a store."""

    blobs: Blobs

    def open(self, file: File, start: int = 0) -> BinaryIO:
        stream = self.blobs.open(file.blob, file.path)
        stream.seek(start)
        return stream


def copy_out(source: BinaryIO, file: File, target: Path) -> None:
    """Copy a file out of a registry to `target`, which appears only if its bytes are right."""
    with beside(target.parent) as (sink, path):
        digest, size = copy_and_hash(source, sink)
        if digest != file.blob:
            raise Corrupt(
                f"{file.path}: expected {file.blob} ({file.size} bytes), got {digest} ({size} bytes); not written",
                hint="the stored copy is damaged: `adapterhub check --repair` fetches it again where a remote has it",
            )
        sink.flush()
        path.replace(target)

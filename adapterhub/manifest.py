"""The manifest: the canonical JSON document of an entry. Its sha256 is the entry's digest.

It holds what will never be known better: the files, the pinned base, the parents, the recipe or the training config.
No time, no path of a machine, no local name, nothing that a parser derived (those are facts), nothing measured or said
later (those are notes). So adding the same folder twice gives the same digest.
"""

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator

from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.errors import Corrupt, Refused

__all__ = ["BasePin", "File", "Manifest", "Parent", "Pinned", "safe_path"]

LONGEST_PART, LONGEST_PATH = 255, 1024
"""Bytes of UTF-8: what file systems allow of a name, and what leaves room for the folder a path is written to."""


def safe_path(path: str) -> str:
    """The same path, if every system can write it, and inside a folder; else `ValueError`."""
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"a file's path has no empty part, '.' or '..', got {path!r}")
    if "\\" in path or ":" in path or not path.isprintable():
        raise ValueError(f"a file's path is printable text without ':' or backslash, got {path!r}")
    if len(path.encode()) > LONGEST_PATH or max(len(part.encode()) for part in path.split("/")) > LONGEST_PART:
        raise ValueError(
            f"a file's path has at most {LONGEST_PATH} bytes, and {LONGEST_PART} between slashes, got {path!r}"
        )
    return path


def _digest(text: str) -> str:
    Digest(text)
    return text


Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), AfterValidator(_digest)]
Pinned = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class File(Document):
    """A named member of an entry; its bytes are a blob."""

    path: Annotated[str, AfterValidator(safe_path)]
    size: Annotated[int, Field(ge=0)]
    sha256: Hex

    @property
    def blob(self) -> Digest:
        return Digest(self.sha256)


class BasePin(Document):
    """Which base an entry is for, with the evidence, best first: bytes, files, revision, name."""

    evidence: Literal["bytes", "files", "revision", "name"]
    source: str | None = None
    revision: str | None = None
    weights_digest: Pinned | None = None
    layout_digest: Pinned | None = None
    card: Pinned | None = None


class Parent(Document):
    """An entry this one was made from, and its weight."""

    digest: Pinned
    weight: float = 1.0


class Manifest(Document):
    """What an entry is.

    >>> Manifest(kind="data", files=()).to_bytes()
    b'{"kind":"data"}'
    """

    kind: Literal["adapter", "model", "data"]
    files: tuple[File, ...] = ()
    base: BasePin | None = None
    parents: tuple[Parent, ...] = ()
    recipe: dict[str, Any] | None = None
    training: dict[str, Any] | None = None

    @field_validator("files")
    @classmethod
    def _one_name_one_file(cls, files: tuple[File, ...]) -> tuple[File, ...]:
        # Folded, because two names that differ in case only would overwrite each other on some systems.
        folded = [file.path.casefold() for file in files]
        if len(set(folded)) != len(folded):
            raise ValueError("two files have the same name (upper and lower case count as the same)")
        folders = {str(folder) for path in folded if "/" in path for folder in PurePosixPath(path).parents}
        if both := folders.intersection(folded):
            raise ValueError(f"a file and a folder have the same name: {min(both)}")
        return tuple(sorted(files, key=lambda file: file.path))

    @classmethod
    def made(cls, **fields: Any) -> "Manifest":
        """A manifest of what a folder and a person give; `Refused` where that cannot be one."""
        try:
            return cls(**fields)
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise Refused(f"no entry can be made of this: {message}", hint="rename or leave out a file") from None

    def file(self, path: str) -> File | None:
        """The file with this path, if there is one."""
        return next((file for file in self.files if file.path == path), None)

    @property
    def digest(self) -> Digest:
        """The digest of the canonical bytes: the entry's identity."""
        return Digest.of(self.to_bytes())

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @classmethod
    def read(cls, data: bytes, what: str) -> "Manifest":
        """Parse a manifest, insisting on its canonical form, so that one entry has one digest."""
        manifest = cls.from_bytes(data, what)
        if manifest.to_bytes() != data:
            raise Corrupt(
                f"{what}: not in canonical form, so its digest would not be the only one",
                hint="it was not written by adapterhub: add the files themselves again",
            )
        return manifest

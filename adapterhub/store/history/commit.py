"""What a history is made of: a commit is a list of files, and what was said when it was made."""

import hashlib
from collections.abc import Iterable
from typing import Annotated, Any, BinaryIO

from pydantic import AfterValidator, Field, ValidationError, field_validator

from adapterhub.digest import CHUNK, Digest
from adapterhub.document import Document
from adapterhub.errors import BadReference, Corrupt
from adapterhub.manifest import Hex, safe_path

__all__ = ["Commit", "Oid", "RepoInfo", "TreeFile", "git_blob_id", "shared_path"]

Oid = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
"""The name of a commit, or git's name of a file's bytes."""


class TreeFile(Document):
    """A file of a commit: its bytes are the blob `sha256`, `sha1` is what git calls them; `large` where it is kept as
    LFS would."""

    path: Annotated[str, AfterValidator(safe_path)]
    size: Annotated[int, Field(ge=0)]
    sha256: Hex
    sha1: Oid
    large: bool = False

    @property
    def blob(self) -> Digest:
        return Digest(self.sha256)

    @property
    def etag(self) -> str:
        """What clients know these bytes by."""
        return self.sha256 if self.large else self.sha1


class Commit(Document):
    """All files of a repository at one moment, by path, and the commit before it. It never changes."""

    parent: Oid | None = None
    title: str
    message: str = ""
    time: str
    by: str = ""
    files: tuple[TreeFile, ...] = ()

    @field_validator("files")
    @classmethod
    def _one_path_one_file(cls, files: tuple[TreeFile, ...]) -> tuple[TreeFile, ...]:
        paths = {file.path for file in files}
        if len(paths) != len(files):
            raise ValueError("two files have the same path")
        if (both := shared_path(paths)) is not None:
            raise ValueError(f"a file and a folder have the same path: {both}")
        return tuple(sorted(files, key=lambda file: file.path))

    @classmethod
    def made(cls, **fields: Any) -> "Commit":
        """A commit of what somebody sent; `BadReference` where that cannot be one."""
        try:
            return cls(**fields)
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise BadReference(f"no commit can be made of this: {message}", hint="rename or leave out a file") from None

    @property
    def oid(self) -> str:
        """The commit's name: the first 40 hex digits of the sha256 of its canonical bytes."""
        return Digest.of(self.to_bytes()).hex[:40]

    def file(self, path: str) -> TreeFile | None:
        """The file with this path, if there is one."""
        return next((file for file in self.files if file.path == path), None)


class RepoInfo(Document):
    """Whether a repository is private, since when it is there, and who made it."""

    private: bool = True
    created: str
    by: str = ""


def shared_path(paths: Iterable[str]) -> str | None:
    """The first path that is a file's and a folder's among these, if there is one."""
    files = set(paths)
    folders = {path[:at] for path in files for at, letter in enumerate(path) if letter == "/"}
    return min(folders & files, default=None)


def git_blob_id(stream: BinaryIO, size: int) -> str:
    """What git calls these bytes: the sha1 of `blob <size>`, a zero byte and the bytes, in hex; `Corrupt` where there
    are not so many."""
    hasher, left = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False), size
    while chunk := stream.read(min(CHUNK, left + 1)):
        hasher.update(chunk)
        left -= len(chunk)
        if left < 0:
            break
    if left:
        raise Corrupt(
            f"{size} bytes were promised, {'more' if left < 0 else size - left} came",
            hint="the file changed while it was read, or who sent it does not know its size: try again",
        )
    return hasher.hexdigest()

"""The blobs of a store, also in a bucket, and links to them there that end."""

from dataclasses import dataclass
from typing import final

from adapterhub.digest import Digest
from adapterhub.entry import Files
from adapterhub.manifest import File
from adapterhub.remotes.bucket_files import send_file
from adapterhub.remotes.bucket_objects import Objects
from adapterhub.remotes.bucket_tree import TREE

__all__ = ["Copies"]


@final
@dataclass(frozen=True)
class Copies:
    """Copies of files in a bucket, at the paths a store has them at. Any thread may call."""

    objects: Objects

    def has(self, file: File) -> bool:
        """Whether a copy of this size is there."""
        return self.objects.size(str(TREE.blob(file.blob))) == file.size

    def send(self, files: Files, file: File) -> None:
        """Put a copy there, if the bytes are those of the digest; else `Damaged`."""
        send_file(self.objects, files, file)

    def link(self, digest: Digest, seconds: float) -> str:
        """A URL that gives the copy to whoever holds it, for so long."""
        return self.objects.sign(str(TREE.blob(digest)), seconds)

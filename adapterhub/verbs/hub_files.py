"""Files of a commit: blobs under a path, and small ones that are made on the way."""

import io

from adapterhub.manifest import File
from adapterhub.protocols.hf_hub.wire import is_large, pointer
from adapterhub.store.history.commit import TreeFile, git_blob_id
from adapterhub.store.locks import shared
from adapterhub.store.session import Session
from adapterhub.verbs.desk import Desk

__all__ = ["keep_small", "land", "tree_file"]

SAMPLE = 512


def tree_file(desk: Desk, file: File, *, large: bool | None = None) -> TreeFile:
    """A blob under a path, as a file of a commit; large or not by its name and size where nobody says."""
    with desk.store.blob(file.blob) as stream:
        if large is None:
            large = is_large(file.path, file.size, stream.read(SAMPLE))
            stream.seek(0)
        text = pointer(file.sha256, file.size)
        sha1 = git_blob_id(io.BytesIO(text), len(text)) if large else git_blob_id(stream, file.size)
    return TreeFile(path=file.path, size=file.size, sha256=file.sha256, sha1=sha1, large=large)


def keep_small(session: Session, path: str, data: bytes) -> TreeFile:
    """Take a small file, which nothing names yet: the session claims it; `land` makes it a blob."""
    digest, size = session.take(io.BytesIO(data))
    session.lease.add(digest)
    return TreeFile(path=path, size=size, sha256=digest.hex, sha1=git_blob_id(io.BytesIO(data), size))


def land(session: Session) -> None:
    """Make blobs of what was taken; no sweep is in the middle of its work then."""
    with shared(session.store.layout.incoming):
        session.staging.land()

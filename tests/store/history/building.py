"""Commits made of bytes."""

import io
from collections.abc import Mapping
from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.reference import Name
from adapterhub.store.history.commit import Commit, TreeFile, git_blob_id
from adapterhub.store.store import Store
from tests.builders import TIME

POET = Name("ada", "poet")


def keep(store: Store, files: Mapping[str, bytes]) -> tuple[TreeFile, ...]:
    """Put bytes under blobs/, and say which files they are."""
    with store.session() as session:
        for data in files.values():
            session.lease.add(Digest.of(data))
            session.take(io.BytesIO(data))
        session.staging.land()
    return tuple(
        TreeFile(path=path, size=len(data), sha256=Digest.of(data).hex, sha1=git_blob_id(io.BytesIO(data), len(data)))
        for path, data in files.items()
    )


def commit_of(store: Store, files: Mapping[str, bytes], parent: str | None = None, **said: str) -> Commit:
    """A commit of these bytes, which are kept."""
    return Commit.model_validate({"title": "t", "time": TIME, "parent": parent, "files": keep(store, files), **said})


def grow(store: Store, files: Mapping[str, bytes], branch: str = "main", name: Name = POET, **said: str) -> str:
    """One more commit on a branch, as a server makes it."""
    with store.session() as session, store.history.lock(name):
        for data in files.values():
            session.lease.add(Digest.of(data))
        before = store.history.branches(name).get(branch)
        oid = store.history.put(name, commit_of(store, files, before, **said))
        store.history.point(name, branch, oid, before or "")
    return oid


def history(root: Path, *trees: Mapping[str, bytes]) -> Store:
    """A store with one repository, ada/poet, that has these commits on main."""
    store = Store(root, "ada")
    store.history.create(POET, private=False, by="ada")
    for tree in trees:
        grow(store, tree)
    return store

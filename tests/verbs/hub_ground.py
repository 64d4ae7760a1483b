"""Repositories for tests: a desk, and commits as clients send them."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.note import Noted, gather
from adapterhub.protocols.hf_hub.commit_lines import Deleted, Header, Large, Line, Regular
from adapterhub.protocols.hf_hub.layout import MANIFEST, base_path, note_path
from adapterhub.reference import Name
from adapterhub.store.store import Store
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_commit import Committed, commit
from adapterhub.verbs.hub_repos import create
from tests.builders import read_all

POET = Name("ada", "poet")


def desk_in(folder: Path, user: str = "ada") -> Desk:
    """A desk over a store that is made with the first write."""
    return Desk(Store(folder / "store", user))


def repository(folder: Path, name: Name = POET, *, private: bool = True) -> Desk:
    """A desk with an empty repository."""
    desk = desk_in(folder)
    create(desk, name, private=private)
    return desk


def guest(desk: Desk, *namespaces: str) -> Desk:
    """The same desk for somebody who sees these namespaces, and what is public."""
    return replace(desk, store=Store(desk.store.root, namespaces[0]), sees=frozenset(namespaces))


def said(desk: Desk, digest: Digest, name: Name = POET) -> Noted:
    """What counts under a name."""
    return gather(desk.store.under(name).notes.about(digest))


def upload(desk: Desk, data: bytes) -> Digest:
    """A blob, as an upload of a large file leaves it."""
    with desk.store.session() as session:
        digest, _ = session.take(io.BytesIO(data))
        session.staging.land()
    return digest


def lines(
    desk: Desk,
    files: Mapping[str, bytes] | None = None,
    gone: Iterable[str] = (),
    *,
    parent: str | None = None,
    title: str = "a commit",
) -> Iterable[Line]:
    """The lines of a commit; weights are uploaded before. What ends in a slash and is gone is a folder."""
    yield Header(title, "", parent)
    for path, data in (files or {}).items():
        if path.endswith((".safetensors", ".bin")):
            yield Large(path, upload(desk, data).hex, len(data))
        else:
            yield Regular(path, data)
    for path in gone:
        yield Deleted(path.rstrip("/"), path.endswith("/"))


def send(
    desk: Desk,
    files: Mapping[str, bytes] | None = None,
    gone: Iterable[str] = (),
    *,
    name: Name = POET,
    branch: str = "main",
    parent: str | None = None,
) -> Committed:
    """Send a commit."""
    return commit(desk, name, branch, lines(desk, files, gone, parent=parent), lambda _: True)


def as_ours(entry: Entry) -> dict[str, bytes]:
    """The files of a repository in which our client has laid an entry."""
    notes = {note_path(entry.digest, Digest.of(note.to_bytes())): note.to_bytes() for note in entry.notes}
    cards = {base_path(Digest.of(card)): card for card in entry.cards}
    return {**read_all(entry), MANIFEST: entry.manifest.to_bytes(), **notes, **cards}


def paths(desk: Desk, revision: str = "main", name: Name = POET) -> list[str]:
    """What lies at a revision."""
    return [file.path for file in desk.store.history.find(name, revision)[1].files]


def labels(desk: Desk, name: Name = POET) -> list[str]:
    """The versions there are, the newest last."""
    return [version.label for version in desk.store.names.shelf(name).versions]

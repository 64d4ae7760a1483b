"""`sweep`: free what nobody names, without ever freeing what a writer is about to name.

Two phases. Marking: a blob that no version needs and no living lease claims is marked with the time. Deleting, with the
lock held alone: what was marked longer than the grace period ago and is still needed by nobody goes. Three things stand
between a writer and a sweep, each enough on its own on a local disk: the lease, written before the writer looks whether
a blob is there; the lock, shared by the writer while it looks a last time and names the entry; and the grace period.

What the names need is asked with the lock held, but manifests and commits are read before: which files a digest stands
for never changes, so writers wait for the names alone.

A commit names its files as long as it is there. One that no branch and no tag reaches is marked and deleted in the same
way before the lock is taken; its files are marked with it, and go when it has gone.
"""

import contextlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from adapterhub.digest import Digest
from adapterhub.document import Document, canonical
from adapterhub.durable import make_folder, replace
from adapterhub.errors import AdapterHubError, BadReference, Corrupt, NotFound
from adapterhub.reference import Name
from adapterhub.regular import read_regular
from adapterhub.store.clock import clock_of
from adapterhub.store.history.unreached import Waiting, forget
from adapterhub.store.leases import leased
from adapterhub.store.leftovers import clean
from adapterhub.store.locks import alone
from adapterhub.store.places import noted_apart
from adapterhub.store.store import Store

__all__ = ["GRACE", "Swept", "sweep"]

Files = dict[Digest | tuple[Name, str], tuple[str, ...]]
"""Manifest, or commit of a repository -> its blobs, in hex."""

GRACE = 3600.0
"""Seconds between marking and deleting."""


class Swept(Document):
    """What a sweep did: blobs deleted and their bytes; blobs that wait for their grace period, and theirs."""

    deleted: int = 0
    freed: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    grace: float = GRACE


def sweep(store: Store, grace: float = GRACE) -> Swept:
    """Mark what nobody names; delete what was marked at least `grace` seconds ago.

    `Corrupt`, and no blob is deleted, when a version, a manifest or a commit cannot be read, whatever it looks like: it
    may name any blob, and have been ours before it was damaged.
    """
    if not store.exists():
        return Swept(grace=grace)
    make_folder(store.layout.incoming)
    waiting = forget(store.history, grace)
    read, said = _read_ahead(store), list(noted_apart(store.layout))
    with alone(store.layout.incoming):
        kept, leaving = _committed(store, read, waiting)
        loose = _loose(store, _published(store, read) | kept)
        moment = clock_of(store.layout.incoming)
        marks = _mark(store, loose, moment)
        ripe = (digest for digest in loose if moment - marks[digest.hex] >= grace)
        due = [digest for digest in ripe if digest.hex not in leaving]
        sizes = {digest: store.layout.blob(digest).stat().st_size for digest in loose}
        _unsay(store, said, due)
        for digest in due:
            _delete(store, digest)
    clean(store.layout, grace)
    freed = sum(sizes[digest] for digest in due)
    return Swept(
        deleted=len(due),
        freed=freed,
        waiting=len(loose) - len(due),
        waiting_bytes=sum(sizes.values()) - freed,
        grace=grace,
    )


def _read_ahead(store: Store) -> Files:
    """The files of every manifest and every commit that can be read."""
    read: Files = {}
    for listed in store.list():
        with contextlib.suppress(AdapterHubError):  # with the lock held it is asked again, and speaks up
            read[listed.digest] = _files(store, listed.digest)
    for name in store.history.all():
        for oid in store.history.commits(name):
            with contextlib.suppress(AdapterHubError):
                read[name, oid] = _files_of(store, name, oid)
    return read


def _files(store: Store, manifest: Digest) -> tuple[str, ...]:
    return tuple(file.sha256 for file in store.manifest(manifest).files)


def _files_of(store: Store, name: Name, oid: str) -> tuple[str, ...]:
    return tuple(file.sha256 for file in store.history.commit(name, oid).files)


def _published(store: Store, read: Files) -> set[str]:
    """What living leases and versions name."""
    needed = leased(store.layout.incoming)
    for name in store.names.all():
        shelf = store.names.shelf(name)
        for label, reason in shelf.unreadable.items():
            raise Corrupt(
                f"{name.at(label)}: {reason}; nothing was swept, since nobody knows which blobs it names",
                hint="`adapterhub check --repair` writes it again as its event tells it, or puts it out of the way",
            )
        for version in shelf.versions:
            needed.add(version.digest.hex)
            try:
                needed.update(read.get(version.digest) or _files(store, version.digest))
            except Corrupt as error:
                raise Corrupt(
                    f"{name.at(version.label)}: {error}; nothing was swept, since nobody knows which files it names",
                    hint="adapterhub check --repair; or remove that version first",
                ) from None
    return needed


def _committed(store: Store, read: Files, waiting: Waiting) -> tuple[set[str], set[str]]:
    """What commits name, and what those name that wait for their own end."""
    kept, leaving = set[str](), set[str]()
    for name in store.history.all():
        for oid in store.history.commits(name):
            try:
                files = read[name, oid] if (name, oid) in read else _files_of(store, name, oid)
            except NotFound:  # another sweep forgot it
                continue
            except Corrupt as error:
                raise Corrupt(
                    f"{name}: {error}; nothing was swept, since nobody knows which files it names",
                    hint="adapterhub check --repair; or delete that repository",
                ) from None
            (leaving if oid in waiting.get(name, ()) else kept).update(files)
    return kept, leaving


def _loose(store: Store, needed: set[str]) -> list[Digest]:
    # What is no file is left to `check`.
    return [digest for digest, path in store.blobs.all() if digest and digest.hex not in needed and path.is_file()]


def _mark(store: Store, loose: list[Digest], moment: float) -> dict[str, float]:
    path = store.layout.incoming / "marks.json"
    try:
        before = {str(key): float(value) for key, value in json.loads(read_regular(path)).items()}
    except (FileNotFoundError, Corrupt, ValueError, TypeError, AttributeError, RecursionError):
        before = {}
    marks = {digest.hex: min(before.get(digest.hex, moment), moment) for digest in loose}
    replace(path, canonical(marks))
    return marks


def _unsay(store: Store, said: Iterable[Path], due: Iterable[Digest]) -> None:
    """Take away, of these folders, those about entries that go, or are gone."""
    going = {digest.hex for digest in due}
    for folder in said:
        with contextlib.suppress(BadReference):  # what is no digest is left to `check`
            if folder.name in going or not store.blobs.has(Digest(folder.name)):
                shutil.rmtree(folder, ignore_errors=True)


def _delete(store: Store, digest: Digest) -> None:
    """A blob; first, where it was a manifest, what was said about it and made of it.

    The blob last: as long as it is there, a sweep that was interrupted finds it again.
    """
    store.layout.facts(digest).unlink(missing_ok=True)
    for folder in (store.layout.notes(digest), store.layout.folder(digest)):
        if folder.exists():
            shutil.rmtree(folder)
    store.layout.blob(digest).unlink(missing_ok=True)

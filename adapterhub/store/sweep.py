"""`sweep`: free what nobody names, without ever freeing what a writer is about to name.

Two phases. Marking: a blob that no version needs and no living lease claims is marked with the time. Deleting, with the
lock held alone: what was marked longer than the grace period ago and is still needed by nobody goes. Three things stand
between a writer and a sweep, each enough on its own on a local disk: the lease, written before the writer looks whether
a blob is there; the lock, shared by the writer while it looks a last time and names the entry; and the grace period.
"""

import fcntl
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from adapterhub.digest import Digest
from adapterhub.document import Document, canonical
from adapterhub.durable import make_folder, replace
from adapterhub.errors import Corrupt
from adapterhub.store.leases import TTL, leased
from adapterhub.store.locks import alone

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["GRACE", "Swept", "sweep"]

GRACE = 3600.0
"""Seconds between marking and deleting."""

LEFTOVERS = (".part", ".tmp", ".ready")


class Swept(Document):
    """What a sweep did: blobs deleted and their bytes; blobs that wait for their grace period, and theirs."""

    deleted: int = 0
    freed: int = 0
    waiting: int = 0
    waiting_bytes: int = 0
    grace: float = GRACE


def sweep(store: "Store", grace: float = GRACE) -> Swept:
    """Mark what nobody names; delete what was marked at least `grace` seconds ago.

    `Corrupt`, and nothing is deleted, when a manifest cannot be read: then nobody knows which files it names.
    """
    if not store.exists():
        return Swept(grace=grace)
    make_folder(store.layout.incoming)
    with alone(store.layout.incoming):
        loose = _loose(store)
        marks = _mark(store, loose)
        due = [digest for digest in loose if time.time() - marks[digest.hex] >= grace]
        sizes = {digest: store.layout.blob(digest).stat().st_size for digest in loose}
        for digest in due:
            _delete(store, digest)
    _clean(store.layout.incoming, grace)
    freed = sum(sizes[digest] for digest in due)
    return Swept(
        deleted=len(due),
        freed=freed,
        waiting=len(loose) - len(due),
        waiting_bytes=sum(sizes.values()) - freed,
        grace=grace,
    )


def _loose(store: "Store") -> list[Digest]:
    needed = leased(store.layout.incoming)
    for name in store.names.all():
        for version in store.names.versions(name):
            needed.add(version.digest.hex)
            try:
                needed.update(file.sha256 for file in store.manifest(version.digest).files)
            except Corrupt as error:
                raise Corrupt(
                    f"{name.at(version.label)}: {error}; nothing was swept, since nobody knows which files it names",
                    hint="adapterhub check --repair; or remove that version first",
                ) from None
    return [digest for digest, _ in store.blobs.all() if digest and digest.hex not in needed]


def _mark(store: "Store", loose: list[Digest]) -> dict[str, float]:
    path = store.layout.incoming / "marks.json"
    try:
        before = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        before = {}
    moment = time.time()
    marks = {digest.hex: min(float(before.get(digest.hex, moment)), moment) for digest in loose}
    replace(path, canonical(marks))
    return marks


def _delete(store: "Store", digest: Digest) -> None:
    """A blob, and where it was a manifest, what was said about it and made of it."""
    store.layout.blob(digest).unlink(missing_ok=True)
    store.layout.facts(digest).unlink(missing_ok=True)
    for folder in (store.layout.notes(digest), store.layout.folder(digest)):
        if folder.exists():
            shutil.rmtree(folder)


def _clean(incoming: Path, grace: float) -> None:
    """Delete what writers that died left behind, once no lease can speak for it any more."""
    if any(incoming.glob("*.lease")):
        return
    for path in incoming.iterdir():
        if path.suffix in LEFTOVERS and time.time() - path.stat().st_mtime > max(grace, TTL):
            with path.open("rb") as stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                path.unlink(missing_ok=True)

"""Repairs: what `check --repair` does about one piece of damage. Nothing that might be the last copy is deleted."""

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from adapterhub.digest import Digest
from adapterhub.durable import make_folder, replace, sync_folder
from adapterhub.errors import AdapterHubError
from adapterhub.manifest import File
from adapterhub.reference import parse
from adapterhub.store.damage import Damage, Reading
from adapterhub.store.quarantine import aside, set_aside
from adapterhub.store.repo_repair import REPOS, repair_repo
from adapterhub.store.shelf import Version
from adapterhub.store.staging import PIECE
from adapterhub.store.store import Store
from adapterhub.version import is_label

__all__ = ["FETCHED", "Donor", "Outcome", "forget_facts", "repair"]

Donor = Callable[[Digest], BinaryIO]
"""Somebody who may have a blob: a remote, asked by digest."""

Outcome = Literal["mended", "moved", ""]
"""All is well; the damage is out of the way, and something is still missing; nothing could be done."""

SET_ASIDE = (
    "bad-alias",
    "bad-card",
    "bad-catalog",
    "bad-event",
    "bad-name",
    "bad-note",
    "bad-version",
    "corrupt-blob",
    "stray",
)
FETCHED = ("missing-manifest", "missing-blob", "corrupt-blob")

LARGEST_MANIFEST = 64 << 20
"""Bytes a donor may send where no manifest says how many there are."""


def repair(reading: Reading, item: Damage, donors: tuple[Donor, ...]) -> Outcome:
    """Mend one thing, or put it out of the way."""
    store, path = reading.store, Path(item.path)
    if item.kind == "missing-marker":
        store.mark()
        return "mended"
    if item.kind in ("bad-version", "bad-removed") and is_label(path.name):
        return _publish_again(store, item)
    if item.kind in REPOS:
        repair_repo(store, item.kind, path)
        return "mended"
    if item.kind in SET_ASIDE:
        set_aside(store.layout, path)
    if item.kind in FETCHED and item.references:
        digest = Digest.parse(item.digest)
        if any(_fetch(store, digest, reading.sizes.get(digest), donor) for donor in donors):
            return "mended"
        return "moved" if item.kind in SET_ASIDE else ""
    return "mended" if item.kind in SET_ASIDE else ""


def _publish_again(store: Store, item: Damage) -> Outcome:
    """Write a version's file again, as the event of its publishing tells it.

    Where none does, its label must stay taken: the file goes where removed versions are, and stays damage.
    """
    path = Path(item.path)
    if version := _told(store, item.references[0], path.name):
        kept = aside(store.layout, path)
        if path.is_dir():
            os.replace(path, kept)
        else:
            os.link(path, kept, follow_symlinks=False)  # so that there is no moment in which the label is free
        replace(path, version.to_bytes())
        return "mended"
    removed = path.parents[1] / "removed" / path.name
    if removed == path:
        return ""
    if os.path.lexists(removed):
        set_aside(store.layout, path)
        return "moved"
    make_folder(removed.parent)
    os.replace(path, removed)
    sync_folder(removed.parent)
    sync_folder(path.parent)
    return "moved"


def _told(store: Store, reference: str, label: str) -> Version | None:
    """What the events tell of a version; None where none does, or two tell of different digests."""
    told: dict[str, Version] = {}
    for name in store.events.files():
        with contextlib.suppress(AdapterHubError, OSError):
            event = store.events.read(name)
            if event.action == "publish" and event.reference == reference:
                told.setdefault(event.digest, Version(label, Digest.parse(event.digest), event.time, event.by))
    return next(iter(told.values())) if len(told) == 1 else None


def _fetch(store: Store, digest: Digest, size: int | None, donor: Donor) -> bool:
    """Take a blob from a donor, if it has the right bytes. It gets no more said than what there should be."""
    with contextlib.suppress(AdapterHubError, OSError), store.session() as session:
        session.lease.add(digest)
        if size is None:
            data = _whole(donor(digest), LARGEST_MANIFEST)
            if Digest.of(data) != digest:
                return False
            session.take(io.BytesIO(data))
        else:
            file = File(path=digest.short, size=size, sha256=digest.hex)
            session.staging.fetch(file, lambda start: _from(donor(digest), start), session.lease.renew)
        session.staging.land()
        return True
    return False


def _from(stream: BinaryIO, start: int) -> BinaryIO:
    stream.seek(start)
    return stream


def _whole(stream: BinaryIO, largest: int) -> bytes:
    """All bytes of a stream, or one more than the largest there may be."""
    data = bytearray()
    with stream:
        while len(data) <= largest and (chunk := stream.read(PIECE)):
            data += chunk
    return bytes(data)


def forget_facts(store: Store, item: Damage) -> None:
    """Drop the facts of entries whose bytes are damaged, since they may have been derived from those."""
    digests = {Digest.parse(item.digest)}
    for reference in map(parse, item.references):
        with contextlib.suppress(AdapterHubError):
            if version := store.names.version(reference.name, str(reference.pin)):
                digests.add(version.digest)
    for digest in digests:
        with contextlib.suppress(OSError):
            store.layout.facts(digest).unlink(missing_ok=True)

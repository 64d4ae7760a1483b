"""`check`: is the store intact, what is wrong, and what can be mended."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.durable import make_folder
from adapterhub.errors import AdapterHubError
from adapterhub.store.damage import CHECKS, Damage, Reading
from adapterhub.store.index.file import forget

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Checked", "Donor", "check"]

Donor = Callable[[Digest], BinaryIO]
"""Somebody who may have a blob: a remote, asked by digest."""

QUARANTINED = ("corrupt-blob", "stray", "bad-note", "bad-card", "bad-event", "bad-version", "bad-alias", "bad-name")
FETCHED = ("missing-manifest", "bad-manifest", "missing-blob", "corrupt-blob")


class Checked(Document):
    """The outcome: `ok` when nothing is damaged any more; what is wrong; what was mended; bytes nobody names."""

    ok: bool
    damage: tuple[Damage, ...] = ()
    repaired: tuple[Damage, ...] = ()
    blobs: int = 0
    unreferenced: int = 0
    unreferenced_bytes: int = 0


def check(
    store: "Store",
    *,
    repair: bool = False,
    donors: Iterable[Donor] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Checked:
    """Read every file of a store and compare it with its digest; `progress` is told the bytes read.

    With `repair`, damaged files are set aside under incoming/quarantine, and blobs are fetched again from the first
    donor that has the right bytes. Nothing that might be the last copy is deleted.
    """
    given, repaired = tuple(donors), list[Damage]()
    found = _look(store, progress)
    # Again after each repair: a manifest that came back may name files that are missing too.
    while repair and (mended := [d for d in found.damage if d not in repaired and _repair(store, d, given)]):
        repaired += mended
        forget(store.layout)
        found = _look(store, progress)
    return found.model_copy(update={"repaired": tuple(repaired)})


def _look(store: "Store", progress: Callable[[int], None]) -> Checked:
    reading = Reading(store, progress)
    damage = [found for look in CHECKS for found in look(reading)]
    there = [digest for digest, _ in store.blobs.all() if digest]
    loose = [digest for digest in there if digest not in reading.wanted]
    return Checked(
        ok=not damage,
        damage=tuple(damage),
        blobs=len(there),
        unreferenced=len(loose),
        unreferenced_bytes=sum(_size(store.layout.blob(digest)) for digest in loose),
    )


def _size(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _repair(store: "Store", item: Damage, donors: tuple[Donor, ...]) -> bool:
    if item.kind in QUARANTINED:
        _set_aside(store, Path(item.path))
    if item.kind in FETCHED and item.references:
        digest = Digest.parse(item.digest)
        return any(_fetch(store, digest, donor) for donor in donors) or item.kind in QUARANTINED
    return item.kind in QUARANTINED


def _set_aside(store: "Store", path: Path) -> None:
    folder = store.layout.incoming / "quarantine"
    make_folder(folder)
    with contextlib.suppress(FileNotFoundError):
        os.replace(path, folder / f"{path.name}.{secrets.token_hex(4)}")


def _fetch(store: "Store", digest: Digest, donor: Donor) -> bool:
    """Take a blob from a donor, if it has the right bytes."""
    with contextlib.suppress(AdapterHubError, OSError), store.session() as session, donor(digest) as stream:
        got, _ = session.take(stream)
        if got == digest:
            session.staging.land()
            return True
    return False

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

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["Checked", "Donor", "check"]

Donor = Callable[[Digest], BinaryIO]
"""Somebody who may have a blob: a remote, asked by digest."""

QUARANTINED = ("corrupt-blob", "stray", "bad-note", "bad-card", "bad-event", "bad-version", "bad-alias", "bad-name")


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
    reading = Reading(store, progress)
    damage = [found for look in CHECKS for found in look(reading)]
    repaired = [item for item in damage if repair and _repair(store, item, tuple(donors))]
    if repaired:
        store.layout.index.unlink(missing_ok=True)
        after = check(store, progress=progress)
        return after.model_copy(update={"repaired": tuple(repaired)})
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
    if not item.digest or (item.kind == "corrupt-blob" and not item.references):
        return item.kind in QUARANTINED
    return any(_fetch(store, Digest.parse(item.digest), donor) for donor in donors) or item.kind == "corrupt-blob"


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

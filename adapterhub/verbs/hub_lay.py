"""The tree of a version that came by another way: the entry in the place of the one before it, in what else is there.

What a person committed stays, as it does where our client pushes: only the files of the former entry go, and of the
README only what we wrote is written anew.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, final

from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError
from adapterhub.manifest import File, Manifest
from adapterhub.protocols.hf_hub.layout import CARD, CONFIG, MANIFEST, reserved
from adapterhub.reference import Name
from adapterhub.remotes.hub_former import outdated
from adapterhub.remotes.hub_readme import readme
from adapterhub.store.history.commit import TreeFile
from adapterhub.store.session import Session
from adapterhub.store.store import Store
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_files import keep_small, land, tree_file

__all__ = ["laid"]

LARGEST = 1 << 20
"""Bytes of a card or a config that is read."""


@final
@dataclass(frozen=True)
class There:
    """The files of a commit, as formats look at them."""

    store: Store
    files: dict[str, TreeFile]

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.files))

    def size(self, name: str) -> int:
        return self.files[name].size

    def open(self, name: str) -> BinaryIO:
        return self.store.blob(self.files[name].blob)

    def manifest(self) -> Manifest | None:
        """The manifest of the entry there, if one lies there and can be read."""
        if MANIFEST in self.files:
            with suppress(AdapterHubError):
                return Manifest.read(self.store.blobs.read(self.files[MANIFEST].blob, MANIFEST), MANIFEST)
        return None


def laid(desk: Desk, session: Session, name: Name, entry: Entry, before: Iterable[TreeFile]) -> tuple[TreeFile, ...]:
    """The files before it with those of the entry, its manifest, and a card."""
    session.lease.add(entry.digest)
    for file in entry.manifest.files:
        session.lease.add(file.blob)
    manifest = File(path=MANIFEST, size=len(entry.manifest.to_bytes()), sha256=entry.digest.hex)
    files = [tree_file(desk, file) for file in (*entry.manifest.files, manifest) if not _own(file.path)]
    there = There(desk.store, {file.path: file for file in before})
    gone = outdated(there, there.manifest(), entry.manifest, str(name))
    kept = {path: file for path, file in there.files.items() if path not in gone}
    if entry.manifest.file(CARD) is None and (text := _card(name, entry, there)):
        files.append(keep_small(session, CARD, text.encode()))
        land(session)
    for path in _clashing(kept, files):
        del kept[path]
    return tuple((kept | {file.path: file for file in files}).values())


def _own(path: str) -> bool:
    """Whether a file of an entry lies where one of ours does."""
    return reserved(path) and path != MANIFEST


def _clashing(kept: Iterable[str], files: Iterable[TreeFile]) -> list[str]:
    """What cannot lie beside the entry: a file where it has a folder, or the other way, upper and lower case alike."""
    mine = {file.path.casefold() for file in files}
    folders = {folder for path in mine for folder in _folders(path)}
    lower = ((path, path.casefold()) for path in kept)
    return [path for path, word in lower if word in mine or word in folders or not mine.isdisjoint(_folders(word))]


def _folders(path: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(path).parents]


def _card(name: Name, entry: Entry, there: There) -> str:
    """The README with a word of this entry; empty where the one there is no card of ours to be, and stays."""
    file, former = next((file for path, file in there.files.items() if path.casefold() == CARD.casefold()), None), b""
    if file is not None:
        if file.path != CARD or file.size > LARGEST:
            return ""
        with suppress(AdapterHubError):
            former = there.store.blobs.read(file.blob, CARD)
    return readme(str(name), entry, _config(entry), former.decode(errors="replace"))


def _config(entry: Entry) -> bytes | None:
    """The adapter's config, where there is one of a size that a config has."""
    file = entry.manifest.file(CONFIG)
    if file is None or file.size > LARGEST:
        return None
    with entry.files.open(file) as stream:
        return stream.read()

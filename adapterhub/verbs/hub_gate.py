"""What a tree of files is worth: the entry it makes, none, or a refusal. Headers are read, values never."""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.entry import Entry, cards_of
from adapterhub.errors import AdapterHubError, Corrupt, NotFound, Refused
from adapterhub.facts import Facts
from adapterhub.formats import folder as folders
from adapterhub.formats import safetensors_header
from adapterhub.formats.intake import Intake, take
from adapterhub.formats.members import EntryMembers
from adapterhub.formats.table import derive
from adapterhub.manifest import File, Manifest
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.answers import TooLarge
from adapterhub.protocols.hf_hub.layout import MANIFEST, base_path
from adapterhub.reference import Name
from adapterhub.store.blobs import BlobFiles
from adapterhub.store.history.commit import TreeFile
from adapterhub.store.index.kin import pinned
from adapterhub.store.store import Store
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_extras import names_card
from adapterhub.verbs.hub_notes import check_notes, notes_about

__all__ = ["Made", "gate", "noted", "tells_of"]

LARGEST = 64 << 20
"""Bytes of a base card that is still read."""

LARGEST_MANIFEST = 4 << 20

LARGEST_HEADER = 32 << 20
"""Bytes of the header of weights, which become some ten times as many in memory: 100,000 tensors take 12 million."""

WEIGHTS = (".safetensors", ".gguf", ".npz")
PICKLED = folders.why_left_out("x.bin", "adapter")


@final
@dataclass(frozen=True)
class Made:
    """The entry a tree makes. `ours` where the tree has its manifest; else `intake` says what the files say beside."""

    entry: Entry
    facts: Facts
    intake: Intake | None = None

    @property
    def ours(self) -> bool:
        return self.intake is None


def gate(desk: Desk, name: Name, files: Iterable[TreeFile], fresh: Iterable[TreeFile] = ()) -> tuple[Made | None, str]:
    """The entry these files make, or None and why they make none.

    `Refused` or `Corrupt` for what must not be kept: pickles as the only weights of a folder, weights whose header lies
    or is huge and notes that cannot be (those of `fresh`, which are looked at for the first time), a manifest that
    tells of other files or of a base whose card neither came along nor is known to whoever sent it.
    """
    tree, new = {file.path: file for file in files}, tuple(fresh)
    for file in new:
        _check_weights(desk.store, tree, file.path)
    check_notes(desk, name, tree.values(), new)
    try:
        return (_ours(desk, name, tree) if MANIFEST in tree else _theirs(desk.store, name, tree)), ""
    except (NotFound, Refused) as error:
        return None, str(error) if any(path.endswith(WEIGHTS) for path in tree) else ""


def _check_weights(store: Store, tree: Mapping[str, TreeFile], path: str) -> None:
    file = tree[path]
    if path.endswith(".safetensors"):
        with store.blob(file.blob) as stream:
            _check_length(stream, file)
            safetensors_header.read(stream, file.size, path)
    place = path.rpartition("/")[0]
    if folders.is_pickle(path) and folders.why_left_out(path.rpartition("/")[2], "adapter") == PICKLED:
        beside = (other for other in tree if other.rpartition("/")[0] == place and other.endswith(WEIGHTS))
        if next(beside, None) is None:
            raise Refused(
                f"{path}: the weights are a pickle, and reading a pickle can run any program",
                hint="save them as safetensors and send those, or both in one commit; `adapterhub add "
                "--convert-pickle` makes safetensors of a PEFT adapter_model.bin",
            )


def _check_length(stream: BinaryIO, file: TreeFile) -> None:
    """`TooLarge` for a header that keeps a processor busy for minutes; one that lies is left to whoever reads it."""
    length = int.from_bytes(stream.read(8), "little")
    if LARGEST_HEADER < length <= file.size - 8:
        raise TooLarge(
            f"{file.path}: a header of {length} bytes, and at most {LARGEST_HEADER} are read",
            hint="save the weights in several files, or without the metadata",
        )
    stream.seek(0)


def _ours(desk: Desk, name: Name, tree: Mapping[str, TreeFile]) -> Made:
    """The entry whose manifest lies in the tree, with the notes and base cards beside it."""
    store, manifest = desk.store, _manifest(desk.store, tree)
    for file, there in _others(manifest, tree):
        got = f"{there.size} bytes, sha256 {there.sha256}" if there else "no such file"
        raise Corrupt(
            f"{MANIFEST} tells of {file.path}: {file.size} bytes, sha256 {file.sha256}; in the commit: {got}",
            hint=f"push the adapter again, or leave {MANIFEST} out",
        )
    digest = manifest.digest
    notes = tuple(notes_about(store, tree.values(), [digest]).get(digest, ()))
    entry = Entry(manifest, BlobFiles(store.blobs), notes, _cards(desk, name, tree, manifest, notes))
    return Made(entry, derive(EntryMembers(entry)))


def noted(
    desk: Desk, name: Name, tree: Mapping[str, TreeFile], fresh: Iterable[TreeFile], known: Iterable[Digest]
) -> dict[Digest, Entry]:
    """Of the entries that are known, those that new notes in a tree are about, each with these notes alone."""
    files, found = BlobFiles(desk.store.blobs), dict[Digest, Entry]()
    for about, notes in notes_about(desk.store, fresh, known).items():
        manifest = desk.store.manifest(about)
        found[about] = Entry(manifest, files, tuple(notes), _cards(desk, name, tree, manifest, notes))
    return found


def tells_of(store: Store, tree: Mapping[str, TreeFile]) -> bool:
    """Whether the manifest in a tree tells of the files that are there."""
    return not any(_others(_manifest(store, tree), tree))


def _manifest(store: Store, tree: Mapping[str, TreeFile]) -> Manifest:
    return Manifest.read(_read_small(store, tree[MANIFEST], LARGEST_MANIFEST), MANIFEST)


def _others(manifest: Manifest, tree: Mapping[str, TreeFile]) -> Iterator[tuple[File, TreeFile | None]]:
    """The files of a manifest that are missing in a tree, or are others there."""
    for file in manifest.files:
        there = tree.get(file.path)
        if there is None or (there.size, there.sha256) != (file.size, file.sha256):
            yield file, there


def _cards(
    desk: Desk, name: Name, tree: Mapping[str, TreeFile], manifest: Manifest, notes: Iterable[Note]
) -> tuple[bytes, ...]:
    """The base cards the entry names; `Corrupt` where one is neither in the tree nor here, for all the sender may know.

    A digest gives no right to bytes: who could name any card by it would learn that it is here, and get it with the
    entry.
    """
    found = []
    for digest in cards_of(manifest, notes):
        file = tree.get(base_path(digest))
        if file is None:
            found.append(_known_card(desk, name, digest))
            continue
        data = _read_small(desk.store, file, LARGEST)
        if file.sha256 != digest.hex:
            raise Corrupt(f"{file.path}: its sha256 is {file.sha256}", hint="a base card is named by its sha256")
        Card.from_bytes(data, file.path)
        found.append(data)
    return tuple(found)


def _known_card(desk: Desk, name: Name, digest: Digest) -> bytes:
    """A card that the sender may see, or that a version of the repository names already."""
    # Asked before the card is looked for: how long an answer takes must not tell whether it is here.
    if desk.sees is None or names_card(desk, name, digest) or str(digest) in pinned(desk.store, desk.sees):
        with suppress(NotFound):
            return desk.store.card(digest)
    raise Corrupt(f"the base card {digest} is missing, which the entry names", hint=f"send it as {base_path(digest)}")


def _read_small(store: Store, file: TreeFile, largest: int) -> bytes:
    """All bytes of a file of ours, verified; `Corrupt` where it is too large to be one."""
    if file.size > largest:
        raise Corrupt(f"{file.path}: {file.size} bytes, at most {largest} are read", hint="this is none of our files")
    return store.blobs.read(file.blob, file.path)


def _theirs(store: Store, name: Name, tree: Mapping[str, TreeFile]) -> Made | None:
    """The entry that the files make by themselves. Tables and texts are data only where a manifest says so."""
    with _laid_out(store, tree) as folder:
        try:
            intake = take(folder)
        except AdapterHubError as error:
            raise type(error)(str(error).replace(str(folder), str(name)), hint=error.hint) from None
    if intake.kind == "data":
        return None
    manifest = Manifest.made(kind=intake.kind, files=tuple(_file(tree[path]) for path in intake.paths))
    return Made(Entry(manifest, BlobFiles(store.blobs)), intake.facts, intake)


def _file(file: TreeFile) -> File:
    return File(path=file.path, size=file.size, sha256=file.sha256)


@contextmanager
def _laid_out(store: Store, tree: Mapping[str, TreeFile]) -> Iterator[Path]:
    """The files at the root of the tree, and chat templates, as links in a folder that goes when it is left."""
    folder = store.layout.incoming / f"{secrets.token_hex(8)}.tmp"
    try:
        for path, file in tree.items():
            if "/" not in path or folders.is_tokenizer(path):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                _link(store.layout.blob(file.blob), folder / path)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(blob: Path, path: Path) -> None:
    try:
        os.link(blob, path)
    except OSError:  # another's file, which some systems do not let link, or too many links
        shutil.copyfile(blob, path)

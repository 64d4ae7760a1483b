"""An entry out of a repository's tree: our manifest where one lies there, else one made of the list of files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, final
from urllib.parse import quote

from adapterhub.digest import Digest, copy_and_hash, verify
from adapterhub.entry import cards_of
from adapterhub.errors import Corrupt, NotFound
from adapterhub.formats.chosen import chosen
from adapterhub.manifest import File, Manifest
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.layout import CARD, MANIFEST, base_path, reserved
from adapterhub.protocols.hf_hub.repository import Remote, Tree

__all__ = ["Lying", "cards", "read_entry", "read_notes"]

LARGEST_CARD = 1 << 20


@final
@dataclass(frozen=True)
class HubFiles:
    """The files of an entry: from memory where they were read already, from huggingface_hub's cache, else by ranges."""

    tree: Tree
    folder: str = ""
    held: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def open(self, file: File, start: int = 0) -> BinaryIO:
        """See `Files.open`."""
        if (data := self.held.get(file.path)) is not None:
            return BytesIO(data[start:])
        if cached := _cached(self.tree.repo, file):
            stream = cached.open("rb")
            stream.seek(start)
            return stream
        return self.tree.reader.open(quote(self.place(file.path)), start)

    def place(self, path: str) -> str:
        """Where a file of the entry lies in the repository."""
        return self.folder if self.folder in self.tree.files else f"{self.folder}/{path}".lstrip("/")


def _cached(repo: str, file: File) -> Path | None:
    """The file in huggingface_hub's cache, which names large ones by their sha256, if it is whole."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    path = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model") / "blobs" / file.sha256
    try:
        if path.stat().st_size == file.size:
            with path.open("rb") as stream:
                return path if copy_and_hash(stream)[0] == file.blob else None
    except OSError:
        pass
    return None


@final
@dataclass(frozen=True)
class Lying:
    """An entry as it lies in a repository; `made` where its manifest was made of the list of files."""

    manifest: Manifest
    files: HubFiles
    made: bool

    @property
    def time(self) -> str:
        """When its commit was made."""
        made = self.files.tree.info.last_modified
        return made.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if made else ""

    @cached_property
    def card(self) -> str:
        """The README beside it, or that of the repository; none where it is no text or too long."""
        tree, folder = self.files.tree, self.files.folder
        for path in (f"{folder}/{CARD}".lstrip("/"), CARD):
            if path in tree.files and tree.files[path].size <= LARGEST_CARD:
                return tree.reader.read(quote(path)).decode(errors="replace")
        return ""


def read_entry(tree: Tree, folder: str = "") -> Lying:
    """The entry at the root of a tree, or in a folder or file of it; `NotFound`, `Corrupt`, `Refused` if none is."""
    if not folder and MANIFEST in tree.files:
        manifest = Manifest.read(tree.reader.read(MANIFEST), f"{tree.place}: {MANIFEST}")
        _check(manifest, tree)
        return Lying(manifest, HubFiles(tree), made=False)
    return _made(tree, folder)


def _check(manifest: Manifest, tree: Tree) -> None:
    """`Corrupt` where the files are not those that the manifest tells of."""
    for file in manifest.files:
        there = tree.files.get(file.path)
        wrong = "is not there" if there is None else ""
        if there and there.size != file.size:
            wrong = f"has {there.size} bytes, not {file.size}"
        elif there and there.sha256 and there.sha256 != file.sha256:
            wrong = f"is sha256:{there.sha256}, not sha256:{file.sha256}"
        if wrong:
            raise Corrupt(
                f"{tree.place}: {file.path} {wrong}, as {MANIFEST} says",
                hint=f"somebody changed it after the push: name a version, or let its owner take {MANIFEST} away",
            )


def _made(tree: Tree, folder: str) -> Lying:
    """A manifest as `add` would make it of these files, without a base: the same files have one digest anywhere."""
    files = {folder.rpartition("/")[2]: tree.files[folder]} if folder in tree.files else tree.below(folder)
    what = f"{tree.place}#{folder}" if folder else tree.place
    if folder and not files:
        raise NotFound(f"{what}: neither a folder nor a file there", hint="look at the repository's page")
    seen = {path: file for path, file in files.items() if not reserved(path)}
    kind, names = chosen(tree.members(folder, seen), what)
    plain = HubFiles(tree, folder)
    held = {name: tree.reader.read(quote(plain.place(name))) for name in names if not seen[name].sha256}
    rows = (_row(name, seen[name], held, what) for name in names)
    return Lying(Manifest.made(kind=kind, files=tuple(rows)), HubFiles(tree, folder, held), made=True)


def _row(name: str, file: Remote, held: Mapping[str, bytes], what: str) -> File:
    """A file of the manifest: by the Hub's digest, or by that of its bytes."""
    if file.sha256:
        return File(path=name, size=file.size, sha256=file.sha256)
    if len(held[name]) != file.size:
        raise Corrupt(f"{what}: {name}: {len(held[name])} bytes arrived of {file.size}", hint="try again later")
    return File(path=name, size=file.size, sha256=Digest.of(held[name]).hex)


def cards(lying: Lying, notes: Iterable[Note]) -> Iterator[bytes]:
    """The base cards that an entry and its notes name, verified."""
    tree = lying.files.tree
    for digest in cards_of(lying.manifest, notes):
        path = base_path(digest)
        yield verify(tree.reader.read(path), digest, f"{tree.place}: {path}")


def read_notes(tree: Tree, about: Digest, paths: Mapping[str, Digest]) -> Iterator[Note]:
    """The notes about an entry at these paths, verified; without those that are ill-formed."""
    for path, digest in paths.items():
        what = f"{tree.place}: {path}"
        yield from Note.heard(verify(tree.reader.read(path), digest, what), about, what)

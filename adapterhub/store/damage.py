"""What can be wrong with a store: one function a kind of file, each a generator of damage."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from adapterhub.digest import Digest, copy_and_hash, verify
from adapterhub.document import Document
from adapterhub.errors import AdapterHubError, BadReference, Corrupt
from adapterhub.manifest import Manifest
from adapterhub.note import Note
from adapterhub.reference import Name, parse
from adapterhub.regular import open_regular, read_regular
from adapterhub.store.catalog import LARGEST_CATALOG, Catalog
from adapterhub.store.history.refs import is_oid
from adapterhub.store.places import inside, noted_apart
from adapterhub.store.store import Store
from adapterhub.version import check_label, is_label

__all__ = [
    "CardReader",
    "Damage",
    "Reading",
    "blobs",
    "cards",
    "catalog",
    "events",
    "manifests",
    "marker",
    "names",
    "notes",
]


BATCH = 1000
"""Blobs a pool is given at once: it makes something of each before it begins, and there may be a million."""

CardReader = Callable[[bytes, str], object]
"""Reads a base card, or says `Corrupt`; the store itself does not know what is in one."""


class Damage(Document):
    """One thing that is wrong: its kind, where it lies, which digest it concerns, and who needs it."""

    kind: str
    path: str
    digest: str = ""
    references: tuple[str, ...] = ()
    message: str = ""


@final
@dataclass
class Reading:
    """What is known about a store while it is checked."""

    store: Store
    progress: Callable[[int], None] = lambda _: None
    read_card: CardReader = lambda _, __: None
    wanted: dict[Digest, list[str]] = field(default_factory=dict)
    """Blob -> the references that need it."""
    sizes: dict[Digest, int] = field(default_factory=dict)
    """Blob -> its bytes, as the manifests say."""
    cards: dict[Digest, list[str]] = field(default_factory=dict)
    """Base card -> the references that need it."""

    def misses(self, digest: Digest, references: Iterable[str]) -> bool:
        """Whether a blob is needed and not there: what was removed and swept while it was checked is no damage."""
        return any(map(self._is_there, references)) and not self.store.blobs.has(digest)

    def _is_there(self, reference: str) -> bool:
        """Whether a version, or a commit, is still there."""
        name, pin = parse(reference).name, str(parse(reference).pin)
        return bool(self.store.names.version(name, pin)) or (
            is_oid(pin) and self.store.history.path(name, pin).exists()
        )


def marker(reading: Reading) -> Iterator[Damage]:
    """`missing-marker`: names, blobs or histories, and no registry.json to say what they are."""
    layout = reading.store.layout
    if not reading.store.exists() and any(map(Path.exists, (layout.names, layout.blobs, layout.repos))):
        message = "without it this folder is no registry, and nothing can be written to it"
        yield Damage(kind="missing-marker", path=str(layout.marker), message=message)


def names(reading: Reading) -> Iterator[Damage]:
    """`bad-name`, `bad-version`, `bad-removed`, `bad-alias`: files that cannot be read, or mean nothing."""
    for folder in (folder for namespace in inside(reading.store.layout.names) for folder in inside(namespace)):
        try:
            name = Name(folder.parent.name, folder.name)
        except AdapterHubError as error:
            yield Damage(kind="bad-name", path=str(folder), message=str(error))
            continue
        yield from _versions(reading, name)
        yield from _removed(reading, name)
        yield from _aliases(reading, name)


def _versions(reading: Reading, name: Name) -> Iterator[Damage]:
    for path in inside(reading.store.layout.versions(name)):
        try:
            check_label(path.name)
            if version := reading.store.names.version(name, path.name):
                reading.wanted.setdefault(version.digest, []).append(str(name.at(version.label)))
        except (Corrupt, BadReference, OSError) as error:
            known = (f"{name}@{path.name}",)
            yield Damage(kind="bad-version", path=str(path), references=known, message=str(error))


def _removed(reading: Reading, name: Name) -> Iterator[Damage]:
    for path in inside(reading.store.layout.removed(name)):
        try:
            reading.store.names.removed(name, check_label(path.name))
        except (Corrupt, BadReference, OSError) as error:
            message = f"{error}; its label stays taken as long as this file is there"
            yield Damage(kind="bad-removed", path=str(path), references=(f"{name}@{path.name}",), message=message)


def _aliases(reading: Reading, name: Name) -> Iterator[Damage]:
    names, layout = reading.store.names, reading.store.layout
    for alias, label in names.aliases(name).items():
        gone = not is_label(label) or not (layout.versions(name) / label).exists()
        if gone and names.aliases(name).get(alias) == label:  # else it was moved meanwhile
            message = f"{name}: the alias {alias} means {label or 'nothing'}, which is no version"
            yield Damage(kind="bad-alias", path=str(layout.aliases(name) / alias), message=message)


def manifests(reading: Reading) -> Iterator[Damage]:
    """`missing-manifest`, `bad-manifest`: names that point at nothing that can be read. One that rotted is a blob's."""
    for digest, references in list(reading.wanted.items()):
        path, known = reading.store.layout.blob(digest), tuple(references)
        try:
            manifest = _manifest(path, digest)
        except FileNotFoundError:
            del reading.wanted[digest]
            if reading.misses(digest, known):
                yield Damage(kind="missing-manifest", path=str(path), digest=str(digest), references=known)
        except OSError:
            continue  # among the blobs, it is found again
        except Corrupt as error:
            yield Damage(kind="bad-manifest", path=str(path), digest=str(digest), references=known, message=str(error))
        else:
            for file in manifest.files if manifest else ():
                reading.wanted.setdefault(file.blob, []).extend(references)
                reading.sizes[file.blob] = file.size
            if manifest and manifest.base and manifest.base.card:
                reading.cards.setdefault(Digest.parse(manifest.base.card), []).extend(references)


def _manifest(path: Path, digest: Digest) -> Manifest | None:
    """The manifest in a blob; None where that is no file or has other bytes: among the blobs, it is found again."""
    if os.path.lexists(path) and not path.is_file():
        return None
    data = read_regular(path)
    return Manifest.read(data, str(path)) if Digest.of(data) == digest else None


def blobs(reading: Reading) -> Iterator[Damage]:
    """`missing-blob`, `corrupt-blob`, `stray`: bytes that are gone, changed, or under a name that is no digest."""
    there = {path: digest for digest, path in reading.store.blobs.all()}
    have = {digest for digest in there.values() if digest}
    for digest, references in reading.wanted.items():
        if digest not in have and reading.misses(digest, references):
            path = str(reading.store.layout.blob(digest))
            yield Damage(kind="missing-blob", path=path, digest=str(digest), references=tuple(references))
    items = list(there.items())
    with ThreadPoolExecutor() as pool:
        for at in range(0, len(items), BATCH):
            found = pool.map(lambda item: _blob(reading, *item), items[at : at + BATCH])
            yield from (damage for damage in found if damage)


def _blob(reading: Reading, path: Path, digest: Digest | None) -> Damage | None:
    if digest is None:
        return Damage(kind="stray", path=str(path), message="a file among the blobs whose name is no digest")
    try:
        with open_regular(path) as stream:
            got, size = copy_and_hash(stream)
    except FileNotFoundError:  # swept meanwhile
        return None
    except OSError as error:
        message = f"it cannot be read: {error.strerror}"
    except Corrupt as error:
        message = str(error)
    else:
        reading.progress(size)
        if got == digest:
            return None
        message = f"its bytes have the digest {got}"
    references = tuple(reading.wanted.get(digest, ()))
    return Damage(kind="corrupt-blob", path=str(path), digest=str(digest), references=references, message=message)


def notes(reading: Reading) -> Iterator[Damage]:
    """`bad-note`: a note that cannot be read, or whose name is not its digest."""
    folders = (*inside(reading.store.root / "notes"), *noted_apart(reading.store.layout))
    for path in (path for folder in folders for path in _json(folder)):
        try:
            about = Digest(path.parent.name)
            note = Note.read(verify(read_regular(path), Digest(path.stem), str(path)), about, str(path))
        except FileNotFoundError:  # swept meanwhile
            continue
        except (BadReference, Corrupt, OSError) as error:
            yield Damage(kind="bad-note", path=str(path), message=str(error))
        else:
            if note.kind == "base" and about in reading.wanted and (card := note.data.get("card")):
                reading.cards.setdefault(Digest.parse(card), []).extend(reading.wanted[about])


def cards(reading: Reading) -> Iterator[Damage]:
    """`bad-card`, `missing-card`: a base card that cannot be read, or that an entry's pin names in vain."""
    there = _json(reading.store.root / "bases")
    for path in there:
        try:
            reading.read_card(verify(read_regular(path), Digest(path.stem), str(path)), str(path))
        except (BadReference, Corrupt, OSError) as error:
            yield Damage(kind="bad-card", path=str(path), message=str(error))
    for digest, references in reading.cards.items():
        if (path := reading.store.layout.base(digest)) not in there:
            message = "pull the entry again, or `adapterhub base add` the base"
            known = tuple(references)
            yield Damage(kind="missing-card", path=str(path), digest=str(digest), references=known, message=message)


def events(reading: Reading) -> Iterator[Damage]:
    """`bad-event`: an event that cannot be read."""
    for name in reading.store.events.files():
        try:
            reading.store.events.read(name)
        except FileNotFoundError:  # taken back meanwhile
            continue
        except (Corrupt, OSError) as error:
            yield Damage(kind="bad-event", path=str(reading.store.layout.events / name), message=str(error))


def catalog(reading: Reading) -> Iterator[Damage]:
    """`bad-catalog`: a catalog.json that cannot be read. Whether it is up to date is nobody's business here."""
    path = reading.store.layout.catalog
    try:
        Catalog.from_bytes(read_regular(path, LARGEST_CATALOG), str(path))
    except FileNotFoundError:
        return
    except (Corrupt, OSError) as error:
        yield Damage(kind="bad-catalog", path=str(path), message=f"{error}; `adapterhub catalog` writes it again")


def _json(folder: Path) -> list[Path]:
    return [path for path in inside(folder) if path.suffix == ".json"]

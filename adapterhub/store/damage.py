"""What can be wrong with a store: one function a kind of file, each a generator of damage."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, final

from adapterhub.digest import Digest, copy_and_hash, verify
from adapterhub.document import Document
from adapterhub.errors import AdapterHubError, BadReference, Corrupt
from adapterhub.manifest import Manifest
from adapterhub.note import Note
from adapterhub.reference import Name, parse
from adapterhub.store.notes import files
from adapterhub.version import check_label, is_label

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["CHECKS", "Damage", "Reading"]


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

    store: "Store"
    progress: Callable[[int], None] = lambda _: None
    wanted: dict[Digest, list[str]] = field(default_factory=dict)
    """Blob -> the references that need it."""
    cards: dict[Digest, list[str]] = field(default_factory=dict)
    """Base card -> the references that need it."""

    def misses(self, digest: Digest, references: Iterable[str]) -> bool:
        """Whether a blob is needed and not there: what was removed and swept while it was checked is no damage."""
        asked = map(parse, references)
        needed = any(self.store.names.version(reference.name, str(reference.pin)) for reference in asked)
        return needed and not self.store.blobs.has(digest)


def names(reading: Reading) -> Iterator[Damage]:
    """`bad-name`, `bad-version`, `bad-alias`: files that cannot be read, or mean nothing."""
    names, layout = reading.store.names, reading.store.layout
    for folder in sorted(layout.names.glob("*/*")):
        try:
            name = Name(folder.parent.name, folder.name)
        except AdapterHubError as error:
            yield Damage(kind="bad-name", path=str(folder), message=str(error))
            continue
        for path in sorted(p for p in layout.versions(name).glob("*") if p.name[0] != "."):
            try:
                check_label(path.name)
                if version := names.version(name, path.name):
                    reading.wanted.setdefault(version.digest, []).append(str(name.at(version.label)))
            except (Corrupt, BadReference) as error:
                yield Damage(
                    kind="bad-version", path=str(path), references=(f"{name}@{path.name}",), message=str(error)
                )
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
            data = path.read_bytes()
            if Digest.of(data) != digest:
                continue
            manifest = Manifest.read(data, str(path))
        except FileNotFoundError:
            del reading.wanted[digest]
            if reading.misses(digest, known):
                yield Damage(kind="missing-manifest", path=str(path), digest=str(digest), references=known)
        except OSError:
            continue  # among the blobs, it is found again
        except Corrupt as error:
            yield Damage(kind="bad-manifest", path=str(path), digest=str(digest), references=known, message=str(error))
        else:
            for file in manifest.files:
                reading.wanted.setdefault(file.blob, []).extend(references)
            if manifest.base and manifest.base.card:
                reading.cards.setdefault(Digest.parse(manifest.base.card), []).extend(references)


def blobs(reading: Reading) -> Iterator[Damage]:
    """`missing-blob`, `corrupt-blob`, `stray`: bytes that are gone, changed, or under a name that is no digest."""
    there = {path: digest for digest, path in reading.store.blobs.all()}
    have = {digest for digest in there.values() if digest}
    for digest, references in reading.wanted.items():
        if digest not in have and reading.misses(digest, references):
            path = str(reading.store.layout.blob(digest))
            yield Damage(kind="missing-blob", path=path, digest=str(digest), references=tuple(references))
    with ThreadPoolExecutor() as pool:
        yield from (damage for damage in pool.map(lambda item: _blob(reading, *item), there.items()) if damage)


def _blob(reading: Reading, path: Path, digest: Digest | None) -> Damage | None:
    if digest is None:
        return Damage(kind="stray", path=str(path), message="a file among the blobs whose name is no digest")
    try:
        with path.open("rb") as stream:
            got, size = copy_and_hash(stream)
    except FileNotFoundError:  # swept meanwhile
        return None
    except OSError as error:
        message = f"it cannot be read: {error.strerror}"
    else:
        reading.progress(size)
        if got == digest:
            return None
        message = f"its bytes have the digest {got}"
    references = tuple(reading.wanted.get(digest, ()))
    return Damage(kind="corrupt-blob", path=str(path), digest=str(digest), references=references, message=message)


def notes(reading: Reading) -> Iterator[Damage]:
    """`bad-note`: a note that cannot be read, or whose name is not its digest."""
    for path in (path for folder in sorted((reading.store.root / "notes").glob("*")) for path in files(folder)):
        try:
            about = Digest(path.parent.name)
            note = Note.read(verify(path.read_bytes(), Digest(path.stem), str(path)), about, str(path))
        except FileNotFoundError:  # swept meanwhile
            continue
        except (BadReference, Corrupt) as error:
            yield Damage(kind="bad-note", path=str(path), message=str(error))
        else:
            if note.kind == "base" and about in reading.wanted and (card := note.data.get("card")):
                reading.cards.setdefault(Digest.parse(card), []).extend(reading.wanted[about])


def cards(reading: Reading) -> Iterator[Damage]:
    """`bad-card`, `missing-card`: a base card whose name is not its digest, or that an entry's pin names in vain."""
    there = sorted((reading.store.root / "bases").glob("*.json"))
    for path in there:
        if Digest.of(path.read_bytes()).hex != path.stem:
            yield Damage(kind="bad-card", path=str(path), message="its bytes do not have the digest in its name")
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
        except Corrupt as error:
            yield Damage(kind="bad-event", path=str(reading.store.layout.events / name), message=str(error))


CHECKS: tuple[Callable[[Reading], Iterator[Damage]], ...] = (names, manifests, blobs, notes, cards, events)
"""In the order of what they need: names tell which manifests, manifests which blobs."""

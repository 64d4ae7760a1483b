"""A static web site as a registry: the store's tree behind any web server, read only.

A version or an alias needs nothing but its own files. The newest version, a list and a digest need catalog.json, since
a site cannot list a folder; it tells a version's label, and the version's file what that means. Where no catalog can be
read, a whole digest is believed to be that of its name, and the line says so. The notes about an entry are named by the
catalog too: where it cannot be read, an entry comes without them, and `missing` says so.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NoReturn, final

from adapterhub.digest import Digest, verify
from adapterhub.entry import Entry, cards_of
from adapterhub.errors import BadReference, Corrupt, NotFound, Refused
from adapterhub.manifest import File, Manifest
from adapterhub.note import Note
from adapterhub.protocols.http import Reader
from adapterhub.readable import count
from adapterhub.reference import Name, Reference, parse
from adapterhub.registry import Listed, Published
from adapterhub.store.catalog import LARGEST_CATALOG, Catalog
from adapterhub.store.layout import Layout
from adapterhub.store.shelf import parse_version
from adapterhub.store.store import check_layout
from adapterhub.store.summary import Summary
from adapterhub.version import check_label, is_label

__all__ = ["Site"]

TREE = Layout(Path())
"""The paths below the site's address: those below a store's folder."""

WHOLE = len(str(Digest.of(b"")))


@final
@dataclass
class Site:
    """A registry behind http(s)://."""

    url: str
    reader: Reader = field(init=False)
    missing: str = field(default="", init=False)
    _catalog: Catalog | None = None

    def __post_init__(self) -> None:
        self.reader = Reader(self.url.rstrip("/"))

    def check(self) -> None:
        """`NotFound`, `Refused` or `Unreachable` unless a registry of a layout we know is there."""
        try:
            check_layout(self.reader.read(str(TREE.marker)), self.url)
        except NotFound:
            raise NotFound(
                f"{self.url}: no registry there (registry.json is missing)",
                hint="the address is that of the folder which holds registry.json, names/ and blobs/; "
                f"if it is a server (`adapterhub serve`), write hub+{self.url}",
            ) from None

    def catalog(self) -> Catalog:
        """catalog.json, read once; `NotFound` with what to do where the site has none."""
        if self._catalog is None:
            self.check()
            self._catalog = self._read_catalog()
        return self._catalog

    def _read_catalog(self) -> Catalog:
        what = f"{self.url}/catalog.json"
        try:
            return _checked(Catalog.from_bytes(self.reader.read(str(TREE.catalog), LARGEST_CATALOG), what), what)
        except NotFound:
            raise NotFound(
                f"{self.url} has no catalog.json, so it cannot be listed",
                hint="write a version (name@1), or run `adapterhub catalog` where the site is made",
            ) from None
        except Corrupt as error:
            raise Corrupt(
                str(error), hint="write a version (name@1), or run `adapterhub catalog` again where the site is made"
            ) from None

    def list(self) -> Iterator[Listed]:
        """See `Registry.list`."""
        for entry in self.catalog().entries:
            if entry.digest:  # else not even that could be read where the catalog was made
                yield self._line(entry)

    def summaries(self) -> Iterator[Summary]:
        """Every entry with its facts, as the catalog says them: one request, however many there are."""
        yield from self.catalog().entries

    def labels(self, listed: Listed) -> tuple[str, ...]:
        """The words that are taken in the adapter of a line, as far as the catalog tells: versions and aliases."""
        with suppress(NotFound, Corrupt, Refused):
            mine = [line for line in self.list() if line.reference.name == listed.reference.name]
            return tuple(word for line in mine for word in (str(line.reference.pin), *line.aliases))
        return ()

    def resolve(self, reference: Reference) -> Listed:
        """See `Registry.resolve`."""
        pin = reference.pin
        if pin is None:
            return self._in_catalog(reference)
        if not reference.is_digest:
            return self._by_word(reference, pin)
        if len(pin) == WHOLE:
            try:
                self.catalog()
            except (NotFound, Corrupt, Refused) as error:
                return Listed(reference.here(), Digest.parse(pin), detail=f"not known to be {reference.name}: {error}")
        return replace(self._in_catalog(reference), detail="")

    def _by_word(self, reference: Reference, pin: str) -> Listed:
        with suppress(NotFound):
            return self._version(reference.name, pin)
        with suppress(NotFound):
            label = self._label(str(TREE.aliases(reference.name) / pin))
            return self._version(reference.name, label)
        self.check()
        raise NotFound(
            f"{reference}: {self.url} has no such version or alias", hint=f"adapterhub list --remote {self.url}"
        )

    def _in_catalog(self, reference: Reference) -> Listed:
        """The last version of the name whose digest begins as the pin does."""
        pin = reference.pin or ""
        mine = [line for line in self.list() if line.reference.name == reference.name]
        lines = [line for line in mine if str(line.digest).startswith(pin)]
        if pin and len({line.digest for line in lines}) > 1:
            found = ", ".join(f"@{line.reference.pin} {line.digest.short}" for line in lines)
            raise BadReference(f"{reference}: several versions begin so: {found}", hint="write more digits")
        if not lines:
            raise NotFound(
                f"{reference}: not in the catalog of {self.url}, made {self.catalog().time}",
                hint="write a version (name@1) if it is newer than the catalog",
            )
        return self._confirmed(lines[-1])

    def _confirmed(self, told: Listed) -> Listed:
        """A line of the catalog, if the version's own file says the same."""
        try:
            version = self._version(told.reference.name, str(told.reference.pin))
        except NotFound:
            raise NotFound(
                f"{told.reference}: the catalog of {self.url}, made {self.catalog().time}, has it, but it is gone",
                hint="write another version (name@1); `adapterhub catalog` makes the catalog again",
            ) from None
        if version.digest != told.digest:
            raise Corrupt(
                f"{told.reference}: {told.digest} by the catalog of {self.url}, {version.digest} by the version's file",
                hint="one of the two was changed by hand: tell whoever runs the site; the version's file is the truth",
            )
        return replace(told, time=version.time, by=version.by)

    def _label(self, path: str) -> str:
        label = self.reader.read(path).decode(errors="replace").strip()
        if not is_label(label):
            raise Corrupt(
                f"{self.url}/{path}: not an alias's file, got {label[:60]!r}",
                hint="write the version itself (name@1); is the address that of a registry?",
            )
        return label

    def _version(self, name: Name, label: str) -> Listed:
        path = str(TREE.versions(name) / label)
        version = parse_version(label, self.reader.read(path), f"{self.url}/{path}")
        return Listed(name.at(label), version.digest, version.time, version.by)

    def _line(self, entry: Summary) -> Listed:
        detail = f"by the catalog made {self.catalog().time}"
        digest = Digest.parse(entry.digest)
        return Listed(parse(entry.reference), digest, entry.time, entry.by, entry.aliases, detail)

    def open(self, pinned: Digest) -> Entry:
        """See `Registry.open`."""
        what = f"{self.url}: manifest {pinned}"
        manifest = Manifest.read(verify(self.reader.read(str(TREE.blob(pinned))), pinned, what), what)
        notes = tuple(self._notes(pinned))
        return Entry(manifest, _SiteFiles(self.reader), notes, tuple(self._cards(manifest, notes)))

    def _notes(self, about: Digest) -> Iterator[Note]:
        names, self.missing = self._note_names(about)
        gone = odd = 0
        for name in names:
            path = str(TREE.notes(about) / f"{Digest(name).hex}.json")
            try:
                data = self.reader.read(path)
            except NotFound:
                gone += 1
                continue
            heard = tuple(Note.heard(verify(data, Digest(name), path), about, f"{self.url}/{path}"))
            odd += not heard
            yield from heard
        if odd:
            self.missing = f"without {count(odd, 'note')} in no form we know"
        if gone:
            self.missing = (
                f"without {gone} of {count(len(names), 'note')}: not on the site, though its catalog has them all"
            )

    def _note_names(self, about: Digest) -> tuple[tuple[str, ...], str]:
        """The notes the catalog names; none, and the reason, where it cannot be read: they are no part of an entry."""
        with suppress(NotFound):
            self.check()
        try:
            self._catalog = self._catalog or self._read_catalog()
        except (NotFound, Corrupt, Refused) as error:
            return (), f"without notes: {error}"
        return self._catalog.notes.get(about.hex, ()), ""

    def _cards(self, manifest: Manifest, notes: tuple[Note, ...]) -> Iterator[bytes]:
        for digest in cards_of(manifest, notes):
            path = str(TREE.base(digest))
            yield verify(self.reader.read(path), digest, f"{self.url}/{path}")

    def blob(self, digest: Digest) -> BinaryIO:
        """A stream of any blob, not verified."""
        return _SiteFiles(self.reader).open(File(path="blob", size=0, sha256=digest.hex))

    def publish(self, entry: Entry, reference: Reference) -> Published:
        """Refused: a web site is read only."""
        self._read_only(f"publish {reference}")

    def remove(self, reference: Reference) -> None:
        """Refused: a web site is read only."""
        self._read_only(f"remove {reference}")

    def _read_only(self, what: str) -> NoReturn:
        raise Refused(
            f"cannot {what}: {self.url} is a web site, which can only be read",
            hint="push to the folder it is made from (file:///…), then run `adapterhub catalog --store` on it; "
            f"if it is a server (`adapterhub serve`), its remote is hub+{self.url}",
        )


def _checked(catalog: Catalog, what: str) -> Catalog:
    """The same catalog, if its references and digests are some."""
    try:
        for entry in (entry for entry in catalog.entries if entry.digest or not entry.unreadable):
            check_label(parse(entry.reference).pin or "")
            Digest.parse(entry.digest)
        for name in (*catalog.notes, *chain.from_iterable(catalog.notes.values())):
            Digest(name)
    except BadReference as error:
        raise Corrupt(f"{what}: {error}") from None  # the hint is given where it is read
    return catalog


@final
@dataclass(frozen=True)
class _SiteFiles:
    reader: Reader

    def open(self, file: File, start: int = 0) -> BinaryIO:
        stream: BinaryIO = self.reader.open(str(TREE.blob(file.blob)), start)
        return stream

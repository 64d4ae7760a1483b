"""The store: a registry on this machine, or a folder that is one for others."""

import contextlib
import json
import os
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, final

from pydantic import ValidationError

from adapterhub.digest import Digest, verify
from adapterhub.document import canonical
from adapterhub.durable import make_folder, replace, sync_folder, write_new
from adapterhub.entry import Entry, cards_of
from adapterhub.errors import BadReference, Corrupt, NotFound, Refused, WrongUsage
from adapterhub.manifest import Manifest
from adapterhub.note import OTHER, Note
from adapterhub.reference import Name, Reference
from adapterhub.registry import Listed, Published
from adapterhub.regular import read_regular
from adapterhub.settings import Settings, load, who
from adapterhub.store.blobs import BlobFiles, Blobs
from adapterhub.store.events import Events
from adapterhub.store.history.history import History
from adapterhub.store.layout import LAYOUT, Layout
from adapterhub.store.locks import shared
from adapterhub.store.names import Names
from adapterhub.store.notes import Notes
from adapterhub.store.shelf import now
from adapterhub.store.summary import Summary, summaries

if TYPE_CHECKING:
    from adapterhub.store.session import Session

__all__ = ["Store", "check_layout"]

MARKER = canonical({"layout": LAYOUT}) + b"\n"


def check_layout(marker: bytes, where: str) -> None:
    """`Refused` unless registry.json has the layout this version understands; `Corrupt` when it says none."""
    try:
        layout = json.loads(marker)["layout"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Corrupt(
            f"{where}: registry.json holds {marker[:60]!r}, wanted {MARKER.decode().strip()}",
            hint="is this the right folder? If it is a registry, write that line into registry.json",
        ) from None
    if layout != LAYOUT:
        raise Refused(
            f"{where}: a registry of layout {layout!r}; this version reads layout {LAYOUT}",
            hint="it was written by a newer adapterhub: install that",
        )


@final
class Store:
    """A registry in a folder. Opening one touches nothing; the first write creates it."""

    def __init__(self, root: Path, user: str | None = None, *, local: bool = True) -> None:
        self.local = local  # a remote keeps no caches of ours
        self.layout = Layout(root.expanduser().absolute())
        self.blobs = Blobs(self.layout)
        self.names = Names(self.layout)
        self.notes = Notes(self.layout)
        self.events = Events(self.layout)
        self.history = History(self.layout, self.create)
        self._user = user
        if self.layout.marker.exists():
            check_layout(read_regular(self.layout.marker), str(root))

    @property
    def root(self) -> Path:
        return self.layout.root

    @property
    def settings(self) -> Settings:
        return load(self.root)

    @property
    def user(self) -> str:
        return self._user if self._user is not None else who(self.settings)

    def exists(self) -> bool:
        """Whether somebody has written here yet."""
        return self.layout.marker.exists()

    def create(self) -> None:
        """Mark the folder as a registry, unless it is one or holds something else."""
        if self.exists():
            self._check_writable()
            return
        # What a base looks like may have been remembered before anything was kept.
        there = {path.name for path in self.root.iterdir()} if self.root.exists() else set()
        others = sorted(name for name in there - {"cache"} if name[0] != ".")
        if others and self.layout.marker.name not in others:  # else another writer came first
            raise Refused(
                f"{self.root} is no registry, and not empty: it holds {', '.join(others[:3])}",
                hint="give an empty or a new folder with --store or in the remote's URL",
            )
        make_folder(self.root)
        self.mark()

    def mark(self) -> None:
        """Write registry.json, unless another writer came first."""
        try:
            write_new(self.layout.marker, MARKER)
        except FileExistsError:
            check_layout(read_regular(self.layout.marker), str(self.root))

    def _check_writable(self) -> None:
        if not os.access(self.root, os.W_OK):
            raise Refused(
                f"{self.root} can only be read", hint="ask its owner for the right to write, or name another store"
            )

    def under(self, name: Name, *, guest: bool | None = None) -> "Store":
        """The store with the notes that count under one name; what a `guest` says counts nowhere else."""
        guest = self.notes.guest if guest is None else guest
        if (self.notes.name, self.notes.guest) == (name, guest):
            return self
        other = copy(self)
        other.notes = Notes(self.layout, name, guest)
        return other

    def session(self) -> "Session":
        """A writer's stay: take files, then publish them, under one lease."""
        from adapterhub.store.session import Session

        self.create()
        return Session(self)

    # The five verbs of a registry.

    def list(self) -> Iterator[Listed]:
        """See `Registry.list`; by name, each adapter's newest version last. What cannot be read is left out:
        `summaries` has a line for it, and `check` says more."""
        for name in self.names.all():
            yield from self.names.listed(name)

    def summaries(self) -> Iterator[Summary]:
        """Every entry with its facts; what cannot be read has a line too, which says why."""
        return summaries(self, self.names.all())

    def resolve(self, reference: Reference) -> Listed:
        """See `Registry.resolve`."""
        return self.names.resolve(reference)

    def manifest(self, pinned: Digest) -> Manifest:
        """The manifest with this digest, verified."""
        return Manifest.read(self.blobs.read(pinned, f"{self.root}: manifest {pinned.short}"), f"manifest {pinned}")

    def open(self, pinned: Digest) -> Entry:
        """See `Registry.open`."""
        manifest, notes = self.manifest(pinned), self.notes.about(pinned)
        return Entry(manifest, BlobFiles(self.blobs), notes, self._cards(manifest, notes))

    def publish(self, entry: Entry, reference: Reference) -> Published:
        """See `Registry.publish`."""
        with self.session() as session:
            return session.publish(entry, reference)

    def remove(self, reference: Reference) -> None:
        """See `Registry.remove`."""
        listed = self.resolve(reference)
        self._check_writable()
        with self.events.telling("remove", str(listed.reference), digest=str(listed.digest), by=self.user):
            self.names.remove(reference.name, str(listed.reference.pin))

    def blob(self, digest: Digest) -> BinaryIO:
        """A stream of any blob, not verified; `Corrupt` if it is missing."""
        return self.blobs.open(digest, str(digest))

    # What is said about entries, and about bases.

    def alias(self, reference: Reference, alias: str, expect: str | None = None) -> Listed:
        """Let an alias mean a version; `Conflict` when it does not mean `expect` now."""
        listed = self.resolve(reference)
        self._check_writable()
        said = {"digest": str(listed.digest), "by": self.user, "detail": alias}
        with self.events.telling("alias", str(listed.reference), **said):
            self.names.alias(reference.name, alias, str(listed.reference.pin), expect)
        return self.resolve(listed.reference)

    def drop_alias(self, name: Name, alias: str) -> None:
        """Let one alias mean nothing."""
        self._check_writable()
        label = self.names.aliases(name).get(alias, "")
        with self.events.telling("unalias", str(name.at(label) if label else name), by=self.user, detail=alias):
            self.names.drop_alias(name, alias)

    def drop_aliases(self, name: Name) -> None:
        """Let all aliases of an adapter mean nothing, so that all its versions can be removed."""
        self._check_writable()
        meant = self.names.aliases(name).items()
        told = [self.events.write("unalias", str(name.at(label)), by=self.user, detail=alias) for alias, label in meant]
        try:
            self.names.drop_aliases(name)
        except BaseException:
            for event in told:
                event.take_back()
            raise
        for event in told:
            event.done()

    def note(self, reference: Reference, note: Note) -> None:
        """Keep a note about the entry a reference means."""
        self._check_writable()
        with shared(self.layout.incoming):  # a sweep takes the notes of what it deletes along
            self.resolve(reference)
            event = self.events.write("note", str(reference), digest=note.about, by=self.user, detail=note.kind)
            self.under(reference.name).notes.add([note])
            event.done()

    def say(self, digest: Digest, kind: str, data: dict[str, object]) -> Note:
        """A note about a digest, said now by this store's user; `WrongUsage` for what no note can say.

        The newest word counts, so it is later than what was said of the matter before, whatever clock that was by.
        """
        matter = (kind, OTHER.get(kind))
        before = max((note.time for note in self.notes.about(digest) if note.kind in matter), default="")
        said = {"about": str(digest), "kind": kind, "data": data, "time": now(before), "by": self.user}
        try:
            return Note.model_validate(said)
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise WrongUsage(message, hint="metrics are finite numbers; names, tags and words are short text") from None

    def put_card(self, card: bytes) -> Digest:
        """Keep a base card under its own digest; a damaged one that lies there is mended."""
        digest, path = Digest.of(card), self.layout.base(Digest.of(card))
        with contextlib.suppress(FileNotFoundError, Corrupt):
            if read_regular(path) == card:
                sync_folder(path.parent)  # whoever wrote it may have died before he came to this
                return digest
        self.create()
        replace(path, card)
        return digest

    def card(self, digest: Digest) -> bytes:
        """A base card's bytes, verified."""
        path = self.layout.base(digest)
        if not path.exists():
            raise NotFound(f"no base card {digest} in {self.root}", hint="adapterhub base list")
        return verify(read_regular(path), digest, str(path))

    def cards(self) -> Iterator[tuple[Digest, bytes]]:
        """All base cards, verified."""
        for digest in self.card_digests():
            yield digest, self.card(digest)

    def card_digests(self) -> Iterator[Digest]:
        """The digests of all base cards. Files whose name is no digest are left to `check`."""
        for path in sorted((self.root / "bases").glob("*.json")):
            with contextlib.suppress(BadReference):
                yield Digest(path.stem)

    def _cards(self, manifest: Manifest, notes: tuple[Note, ...]) -> tuple[bytes, ...]:
        try:
            return tuple(self.card(digest) for digest in cards_of(manifest, notes))
        except NotFound as error:
            raise Corrupt(
                f"{error}, though an entry's base pin names it",
                hint="`adapterhub base add` the base, or pull the entry again: its base card comes with it",
            ) from None

"""A Hub as a registry: huggingface.co, a server of ours, or whatever else speaks as they do.

A repository is an adapter, a tag that is a label a version of it, a tag alias/<alias> an alias; see decision 0032. One
of our Hubs tells versions and digests in one answer; of others the tags tell, and a digest is known when the manifest
has been read or made.
"""

import builtins
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import final

from adapterhub.digest import Digest, verify
from adapterhub.entry import Entry, cards_of
from adapterhub.errors import BadReference, Conflict, Corrupt, NotFound, Refused, Unreachable
from adapterhub.manifest import Manifest
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.address import Address
from adapterhub.protocols.hf_hub.client import Client, client_of, is_offline
from adapterhub.protocols.hf_hub.faults import OFFLINE, Taken
from adapterhub.protocols.hf_hub.layout import alias_tag, base_path, note_of, note_path
from adapterhub.reference import Name, Reference
from adapterhub.registry import Listed, Published
from adapterhub.remotes import hub_list
from adapterhub.remotes.hub_book import Book, Version, read_book, versions_told
from adapterhub.remotes.hub_entry import Lying
from adapterhub.remotes.hub_find import Finder
from adapterhub.remotes.hub_push import push
from adapterhub.remotes.hub_said import origin, said
from adapterhub.store.summary import Summary
from adapterhub.version import check_label

__all__ = ["HubRemote", "connect"]


def connect(url: str) -> "HubRemote":
    """The Hub behind a remote's URL, hub+https://host[/path]; `Unreachable` where HF_HUB_OFFLINE is set."""
    if is_offline():
        raise Unreachable(f"{url}: not asked, since the network is switched off", hint=OFFLINE)
    return HubRemote(client_of(url))


@final
@dataclass(frozen=True)
class Spot:
    """Where an entry was found, and by which word."""

    book: Book
    version: Version
    folder: str = ""
    word: str = ""


@final
@dataclass
class HubRemote:
    """A registry on a Hub. `public` says that what a push creates may be seen by everybody."""

    client: Client
    public: bool = False
    missing: str = field(default="", init=False)
    finder: Finder = field(init=False, repr=False)
    _spots: dict[Digest, Spot] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.finder = Finder(self.client)

    def list(self) -> Iterator[Listed]:
        """See `Registry.list`: all that a Hub of ours shows; of another, the adapters of whoever asks."""
        for line, _ in self._lines():
            yield line

    def summaries(self) -> Iterator[Summary]:
        """Every entry, with what the Hub's own list says of it."""
        for _, summary in self._lines():
            yield summary

    def _lines(self) -> Iterator[tuple[Listed, Summary]]:
        for model in hub_list.models(self.client):
            if versions_told(model) is not None:
                yield from hub_list.summaries_told(model)
                continue
            with suppress(BadReference, NotFound, Corrupt, Refused):  # what cannot be read stands in nobody's way
                for line in self._asked(Name(*str(model.id).split("/", 1))):
                    yield line, hub_list.summary_of(line, model)

    def _asked(self, name: Name) -> builtins.list[Listed]:
        """The versions of a repository of a Hub that does not list them."""
        book = read_book(self.client, str(name))
        newest = self.finder.newest(book)
        each = (*book.versions, *(() if newest.label else (newest,)))
        return [self.finder.line(name, book, version) for version in each]

    def resolve(self, reference: Reference) -> Listed:
        """See `Registry.resolve`; a branch or a commit is understood too."""
        book = read_book(self.client, str(reference.name))
        version = self.finder.version(book, reference)
        word = "" if reference.is_digest else reference.pin or ""
        return self._remembered(reference.name, Spot(book, version, word=version.label or word))

    def find(self, address: Address, name: Name) -> tuple[Listed, Entry]:
        """The entry at a place of this Hub: at any revision, in any folder. It will be called `name`."""
        book = read_book(self.client, address.repo)
        if address.revision:
            version = self.finder.by_word(book, address.revision)
        else:
            version = book.at(book.head) if address.path else self.finder.newest(book)
        spot = Spot(book, version, address.path, version.label or address.revision or "")
        listed = self._remembered(name, spot)
        return listed, self.open(listed.digest)

    def _remembered(self, name: Name, spot: Spot) -> Listed:
        """The line of what was found. `open` is told no more than its digest, so the place is remembered."""
        listed = self.finder.line(name, spot.book, spot.version, spot.folder)
        self._spots[listed.digest] = spot
        return listed

    def open(self, pinned: Digest) -> Entry:
        """See `Registry.open`."""
        spot = self._spots.get(pinned) or self._searched(pinned)
        lying = self.finder.lying(spot.book.repo, spot.version.commit, spot.folder)
        if lying.manifest.digest != pinned:
            raise Corrupt(
                f"{self.client.place(spot.book.repo, spot.word)}: its files make {lying.manifest.digest}, not {pinned}",
                hint="the server tells another digest than its files have: tell whoever runs it",
            )
        notes = tuple(self._notes(spot, lying))
        return Entry(lying.manifest, lying.files, notes, tuple(self._cards(lying, lying.manifest, notes)))

    def _searched(self, pinned: Digest) -> Spot:
        """Where a digest lies that nobody asked for by a name."""
        for line in self.list():
            if line.digest == pinned:
                self.resolve(line.reference if line.reference.pin else line.reference.at(str(pinned)))
                return self._spots[pinned]
        raise NotFound(f"{self.client.endpoint}: no entry {pinned} there", hint="name it: namespace/name@version")

    def _notes(self, spot: Spot, lying: Lying) -> Iterator[Note]:
        """What is known there of an entry; where the Hub is not ours, what its card says, and where it was found."""
        self.missing, about, gone = "", lying.manifest.digest, 0
        tree = lying.files.tree if spot.book.ours else self.finder.tree(spot.book.repo, spot.book.head)
        for digest in self._names(spot.book, about):
            path = note_path(about, digest)
            try:
                data = tree.reader.read(path)
            except NotFound:
                gone += 1
                continue
            yield Note.read(verify(data, digest, path), about, f"{tree.place}: {path}")
        if gone:
            self.missing = f"without {gone} notes: they are not there, though the server tells of them"
        if not spot.book.ours:
            yield from said(lying) if lying.made else ()
            folder = f"#{spot.folder}" if spot.folder else ""
            yield from origin(lying, self.client.place(spot.book.repo, spot.word) + folder)

    def _names(self, book: Book, about: Digest) -> builtins.list[Digest]:
        if book.notes is not None:
            return [*book.notes.get(about, ())]
        found = map(note_of, self.finder.tree(book.repo, book.head).files)
        return sorted(note for one, note in filter(None, found) if one == about)

    def _cards(self, lying: Lying, manifest: Manifest, notes: tuple[Note, ...]) -> Iterator[bytes]:
        for digest in cards_of(manifest, notes):
            path = base_path(digest)
            yield verify(lying.files.tree.reader.read(path), digest, f"{lying.files.tree.place}: {path}")

    def publish(self, entry: Entry, reference: Reference) -> Published:
        """See `Registry.publish`: one commit on main, made for the commit it was at; then the tag."""
        if reference.pin is not None and not reference.is_digest:
            check_label(reference.pin)
        return push(self.finder, entry, reference, public=self.public)

    def remove(self, reference: Reference) -> None:
        """See `Registry.remove`: the tag goes, the commit stays."""
        book = read_book(self.client, str(reference.name))
        version = self.finder.version(book, reference)
        place = self.client.place(book.repo, version.label)
        if version.label is None:
            raise Refused(f"{place}: commit {version.commit} has no tag that could be removed", hint="name a version")
        if version.aliases:
            raise Refused(
                f"{place}: the alias {', '.join(version.aliases)} means this version",
                hint="move it to another version first",
            )
        with self.client.asking(place):
            self.client.api.delete_tag(book.repo, tag=version.label)

    def alias(self, reference: Reference, alias: str, expect: str | None = None) -> Listed:
        """Let an alias mean a version; `Conflict` when it does not mean `expect` now."""
        check_label(alias, "alias")
        book = read_book(self.client, str(reference.name))
        version = self.finder.version(book, reference)
        if book.version(alias):
            raise Conflict(
                f"{reference.name}: {alias!r} is a version, so it cannot be an alias", hint="choose another word"
            )
        meant = next((one for one in book.versions if alias in one.aliases), None)
        if expect is not None and (meant.label if meant else "") != expect:
            told = (meant.label if meant else "") or "nothing"
            raise Conflict(
                f"{reference.name}: the alias {alias} means {told}, not {expect or 'nothing'}",
                hint="somebody moved it meanwhile: look again, then decide",
            )
        if meant != version:
            self._point(book.repo, alias_tag(alias), version)
        return self.resolve(reference)

    def _point(self, repo: str, tag: str, version: Version) -> None:
        """Let a tag mean a version; a Hub moves none, so it goes and comes again."""
        api, revision = self.client.api, version.label or version.commit
        with self.client.asking(self.client.place(repo, tag)):
            with suppress(Taken), self.client.asking(self.client.place(repo, tag)):
                api.create_tag(repo, tag=tag, revision=revision)
                return
            api.delete_tag(repo, tag=tag)
            api.create_tag(repo, tag=tag, revision=revision)

    def able(self) -> str:
        """Who the Hub takes us for, and what he may do there."""
        if not self.client.token:
            return "no token was sent: what is public can be read"
        with self.client.asking(self.client.endpoint):
            told = self.client.api.whoami()
            token = told.get("auth", {}).get("accessToken", {})
            return f"as {told['name']}, {token.get('role') or 'read'}"

"""A Hub as a registry: huggingface.co, a server of ours, or whatever else speaks as they do.

A repository is an adapter, a tag that is a label a version of it, a tag alias/<alias> an alias; see decision 0032. One
of our Hubs tells versions and digests in one answer; of others the tags tell, and a digest is known when the manifest
has been read or made.
"""

import builtins
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import final

from adapterhub.digest import Digest, verify
from adapterhub.entry import Entry
from adapterhub.errors import BadReference, Corrupt, NotFound, Refused, Unreachable
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.address import Address
from adapterhub.protocols.hf_hub.answers import public_refused
from adapterhub.protocols.hf_hub.client import Client, client_of, is_home, is_offline
from adapterhub.protocols.hf_hub.faults import OFFLINE
from adapterhub.protocols.hf_hub.layout import note_of, note_path
from adapterhub.readable import count
from adapterhub.reference import Name, Reference
from adapterhub.registry import Listed, Published, Registry
from adapterhub.remotes import hub_list
from adapterhub.remotes.hub_alias import point
from adapterhub.remotes.hub_book import Book, Version, read_book, versions_told
from adapterhub.remotes.hub_entry import Lying, cards
from adapterhub.remotes.hub_find import Finder
from adapterhub.remotes.hub_push import left_out, push
from adapterhub.remotes.hub_said import origin, said
from adapterhub.store.summary import Summary
from adapterhub.version import check_label

__all__ = ["HubRemote", "connect"]


def connect(url: str, *, write: bool = False, offline: bool = False) -> Registry:
    """The Hub behind a remote's URL, hub+https://host[/path].

    Where `offline` or HF_HUB_OFFLINE says that nothing may be asked, the usual Hub is what huggingface_hub keeps of it
    on this machine, and any other is `Unreachable`: that cache does not tell one Hub from another.
    """
    client = client_of(url)
    if not (offline or is_offline()):
        return HubRemote(client)
    if write or not is_home(client.endpoint):
        why = "--offline was given" if offline else "HF_HUB_OFFLINE is set"
        raise Unreachable(f"{url}: not asked, since {why}", hint=OFFLINE)
    from adapterhub.remotes.hub_kept import KeptHub

    return KeptHub(client)


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
    """A registry on a Hub."""

    client: Client
    public: bool = field(default=False, init=False)
    missing: str = field(default="", init=False)
    finder: Finder = field(init=False, repr=False)
    _spots: dict[Digest, Spot] = field(default_factory=dict, init=False, repr=False)
    _private: dict[Name, str] = field(default_factory=dict, init=False, repr=False)

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

    def labels(self, listed: Listed) -> tuple[str, ...]:
        """Every word that is taken in the repository where a line was found, if it has that name here too."""
        spot = self._spots.get(listed.digest)
        return spot.book.labels() if spot and spot.book.repo == str(listed.reference.name) else ()

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
        return Entry(lying.manifest, lying.files, notes, tuple(cards(lying, notes)))

    def _searched(self, pinned: Digest) -> Spot:
        """Where a digest lies that nobody asked for by a name."""
        for line in self.list():
            if line.digest == pinned:
                self.resolve(line.reference if line.reference.pin else line.reference.at(str(pinned)))
                return self._spots[pinned]
        raise NotFound(f"{self.client.endpoint}: no entry {pinned} there", hint="name it: namespace/name@version")

    def _notes(self, spot: Spot, lying: Lying) -> Iterator[Note]:
        """What is known there of an entry; where the Hub is not ours, what its card says, and where it was found."""
        self.missing, about, gone, odd = "", lying.manifest.digest, 0, 0
        tree = lying.files.tree if spot.book.ours else self.finder.tree(spot.book.repo, spot.book.head)
        for digest in self._names(spot.book, about):
            path = note_path(about, digest)
            try:
                data = tree.reader.read(path)
            except NotFound:
                gone += 1
                continue
            heard = tuple(Note.heard(verify(data, digest, path), about, f"{tree.place}: {path}"))
            odd += not heard
            yield from heard
        absent = f"without {count(gone, 'note')} that the server tells of: not there" if gone else ""
        unknown = f"without {count(odd, 'note')} in no form we know" if odd else ""
        self.missing = "; ".join(filter(None, (absent, unknown)))
        if not spot.book.ours:
            yield from said(lying) if lying.made else ()
            folder = f"#{spot.folder}" if spot.folder else ""
            yield from origin(lying, self.client.place(spot.book.repo, spot.word) + folder)

    def _names(self, book: Book, about: Digest) -> builtins.list[Digest]:
        if book.notes is not None:
            return [*book.notes.get(about, ())]
        found = map(note_of, self.finder.tree(book.repo, book.head).files)
        return sorted(note for one, note in filter(None, found) if one == about)

    def publish(self, entry: Entry, reference: Reference) -> Published:
        """See `Registry.publish`: one commit on main, made for the commit it was at; then the tag."""
        if reference.pin is not None and not reference.is_digest:
            check_label(reference.pin)
        left = Counter(filter(None, map(left_out, entry.notes)))
        less = [f"without {count(many, 'note')}: {why}" for why, many in left.items()]
        self.missing = "; ".join(filter(None, (*less, self._private.get(reference.name, ""))))
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
        point(self.finder, reference, alias, expect)
        return self.resolve(reference)

    def show_new(self, names: Iterable[Name]) -> None:
        """Let everybody see the repositories that a push will make; those that are there stay as they are, and
        `missing` says so. Where the Hub is ours and this token may make none that is public, it is `Refused` now."""
        self.public = True
        missing = [name for name in names if not self._is_there(name)]
        if not missing or not self.client.token:
            return
        with self.client.asking(self.client.endpoint):
            told = self.client.api.whoami().get("adapterhub")
            role, where = (told["role"], told["namespaces"]) if told else ("admin", ())
            for name in missing:
                if role != "admin" or (where and name.namespace not in where):
                    raise public_refused(name, f"the one that was sent is for {role}")

    def _is_there(self, name: Name) -> bool:
        with suppress(NotFound):
            if self.client.info(str(name)).private:
                where = "" if is_home(self.client.endpoint) else f"HF_ENDPOINT={self.client.endpoint} "
                self._private[name] = (
                    f"{name} was there before and stays private; who may administer it shows it to everybody with "
                    f"`{where}hf repos settings {name} --public`"
                )
            return True
        return False

    @property
    def hidden(self) -> str:
        """What whoever asks does not see in a list, and how he does."""
        if self.client.token:
            return "private adapters that this token may not see are not listed"
        return f"private adapters are not listed, since no token was sent: {self.client.login}"

    def able(self) -> str:
        """Who the Hub takes us for, and what he may do there."""
        if not self.client.token:
            return "no token was sent: what is public can be read"
        with self.client.asking(self.client.endpoint):
            told = self.client.api.whoami()
            token = told.get("auth", {}).get("accessToken", {})
            return f"as {told['name']}, {token.get('role') or 'read'}"

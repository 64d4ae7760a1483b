"""A bucket as a registry: the store's tree under the same keys, in S3 and whatever else obstore talks to.

Conditions take the place of locks: a version, a note, a blob is written only where there is none, an alias only over
the state it was read in. A server that ignores conditions is found out before the first write, and only read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, final

from adapterhub.digest import Digest, verify
from adapterhub.entry import Entry, cards_of
from adapterhub.errors import AdapterHubError, Corrupt, NotFound, Refused, Unreachable
from adapterhub.formats.members import EntryMembers
from adapterhub.formats.table import derive
from adapterhub.manifest import File, Manifest
from adapterhub.reference import Reference
from adapterhub.registry import Listed, Published
from adapterhub.remotes.bucket_files import BucketFiles, send_missing
from adapterhub.remotes.bucket_names import BucketNames
from adapterhub.remotes.bucket_objects import READERS, Objects
from adapterhub.remotes.bucket_probe import probe
from adapterhub.remotes.bucket_said import BucketEvents, BucketNotes, card, put_card
from adapterhub.remotes.bucket_threads import Threads
from adapterhub.remotes.bucket_tree import TREE
from adapterhub.store.naming import name_entry
from adapterhub.store.store import MARKER, check_layout
from adapterhub.store.summary import Summary, summarised, unreadable

__all__ = ["Bucket"]


@final
@dataclass
class Bucket:
    """A registry below scheme://bucket[/prefix]. Opening one asks nothing; the first write creates it."""

    url: str
    user: str = ""
    objects: Objects = field(init=False, repr=False)
    names: BucketNames = field(init=False, repr=False)
    notes: BucketNotes = field(init=False, repr=False)
    events: BucketEvents = field(init=False, repr=False)
    _known: bool = field(default=False, init=False)
    _proven: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.objects = Objects(self.url)
        self.names = BucketNames(self.objects)
        self.notes = BucketNotes(self.objects)
        self.events = BucketEvents(self.objects)

    def exists(self) -> bool:
        """Whether somebody has published here yet; `Refused` for a layout this version does not know."""
        if not self._known and (marker := self.objects.read(str(TREE.marker))) is not None:
            check_layout(marker, self.url)
            self._known = True
        return self._known

    def _insist(self) -> None:
        if not self.exists():
            raise NotFound(
                f"{self.url}: no registry there (registry.json is missing)",
                hint="the first push creates it; is the address right?",
            )

    def prove(self) -> None:
        """`Refused` where this bucket can only be read; asked once."""
        if not self._proven:
            probe(self.objects)
            self._proven = True

    def create(self) -> None:
        """Mark the place as a registry, unless it is one, holds something else, or can only be read."""
        others = [] if self.exists() else [name for name in self.objects.top() if name != str(TREE.incoming)]
        if others and not self.exists():  # else another writer came first
            raise Refused(
                f"{self.url} is no registry, and not empty: it holds {', '.join(others[:3])}",
                hint="give another prefix in the remote's URL: s3://bucket/prefix",
            )
        self.prove()
        if not self.exists():
            self.objects.create(str(TREE.marker), MARKER)
            self.exists()

    def able(self) -> str:
        """What may be done here."""
        self.exists()
        try:
            self.prove()
        except Refused as error:
            return f"read only: {str(error).removeprefix(self.objects.url).lstrip('/: ')}"
        return "writable"

    def list(self) -> Iterator[Listed]:
        """See `Registry.list`."""
        self._insist()
        for name, shelf, aliases in self.names.everything():
            for version in shelf.versions:
                yield self.names.line(name, version, aliases)

    def summaries(self) -> Iterator[Summary]:
        """Every entry with its facts, as its files tell them; what cannot be read has a line too, which says why."""
        self._insist()
        readers = Threads(READERS)
        for name, shelf, aliases in self.names.everything():
            for label, reason in shelf.unreadable.items():
                yield unreadable(str(name.at(label)), reason)
            yield from readers.map(
                self._summary, [self.names.line(name, version, aliases) for version in shelf.versions]
            )

    def _summary(self, listed: Listed) -> Summary:
        try:
            entry = self.open(listed.digest)
            return summarised(listed, entry, derive(EntryMembers(entry)))
        except (Refused, Unreachable):
            raise
        except AdapterHubError as error:
            return unreadable(str(listed.reference), error, listed)

    def resolve(self, reference: Reference) -> Listed:
        """See `Registry.resolve`."""
        self._insist()
        return self.names.resolve(reference)

    def open(self, pinned: Digest) -> Entry:
        """See `Registry.open`."""
        what = f"{self.url}: manifest {pinned}"
        if (data := self.objects.read(str(TREE.blob(pinned)))) is None:
            raise Corrupt(f"{what} is missing", hint="push the entry again from a store that has it")
        manifest, notes = Manifest.read(verify(data, pinned, what), what), self.notes.about(pinned)
        cards = tuple(card(self.objects, digest) for digest in cards_of(manifest, notes))
        return Entry(manifest, BucketFiles(self.objects), notes, cards)

    def blob(self, digest: Digest) -> BinaryIO:
        """A stream of any blob, not verified; `NotFound` if it is missing."""
        path = str(TREE.blob(digest))
        if (size := self.objects.size(path)) is None:
            raise NotFound(f"{self.url}/{path}: there is no such object", hint="push an entry that has it again")
        return BucketFiles(self.objects).open(File(path="blob", size=size, sha256=digest.hex))

    def publish(self, entry: Entry, reference: Reference) -> Published:
        """See `Registry.publish`."""
        # Asked before anything is sent, so that a taken label costs nothing and leaves nothing.
        self.names.label_for(reference, entry.digest)
        self.create()
        sent = send_missing(self.objects, entry)
        for data in entry.cards:
            put_card(self.objects, data)
        return Published(name_entry(self, entry, reference), entry.digest, sent)

    def remove(self, reference: Reference) -> None:
        """See `Registry.remove`."""
        listed = self.resolve(reference)
        with self._telling("remove", listed):
            self.names.remove(reference.name, str(listed.reference.pin))

    def alias(self, reference: Reference, alias: str, expect: str | None = None) -> Listed:
        """Let an alias mean a version; `Conflict` when it does not mean `expect` now."""
        listed = self.resolve(reference)
        with self._telling("alias", listed, alias):
            self.names.alias(reference.name, alias, str(listed.reference.pin), expect)
        return self.resolve(listed.reference)

    @contextmanager
    def _telling(self, action: str, listed: Listed, detail: str = "") -> Iterator[None]:
        """The event before the deed; taken back where that fails."""
        self.prove()
        said = {"digest": str(listed.digest), "by": self.user, "detail": detail}
        event = self.events.write(action, str(listed.reference), **said)
        try:
            yield
        except BaseException:
            event.take_back()
            raise

"""Publishing on a Hub: what the repository lacks goes up in one commit, made for the commit it was at; then the tag.

An interrupted push goes on: bytes that arrived are known there, and a main that holds the entry already only gets its
tag. Of two who push at once one is told that main has moved, looks again, and builds on what the other did.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import final

from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError, Conflict, NotFound, Refused
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.client import Client, quiet
from adapterhub.protocols.hf_hub.faults import Moved, Taken
from adapterhub.protocols.hf_hub.layout import LARGEST_NOTE, latest, reserved
from adapterhub.protocols.hf_hub.repository import Tree
from adapterhub.reference import Reference
from adapterhub.registry import LabelTaken, Published
from adapterhub.remotes.hub_book import Book, read_book
from adapterhub.remotes.hub_find import Finder
from adapterhub.remotes.hub_plan import Plan, path_of
from adapterhub.version import next_integer

__all__ = ["left_out", "push"]

TRIES = 20
"""How often another writer may be faster."""


def push(finder: Finder, entry: Entry, reference: Reference, *, public: bool = False) -> Published:
    """Publish an entry; see `Registry.publish`. A repository that is not there is made, private unless `public`."""
    _refuse_reserved(entry)
    done = _Push(finder, entry, reference, public)
    for _ in range(TRIES):
        try:
            return Published(reference.name.at(done.once()), entry.digest, done.sent)
        except Moved:
            continue
    raise Conflict(f"{reference.name}: {TRIES} other writers were faster", hint="try again")


def left_out(note: Note) -> str:
    """Why no Hub of ours takes a note; empty where it does."""
    if len(note.to_bytes()) > LARGEST_NOTE:
        return f"a Hub takes at most {LARGEST_NOTE} bytes in one"
    if note.time > latest():
        return "said later than now, so by a clock that was ahead; a push takes along what is due"
    return ""


def _insist_taken(place: str, operations: Iterable[object]) -> None:
    """`Refused` where the .gitignore that lies there kept something out: huggingface_hub does not tell."""
    out = [str(getattr(one, "path_in_repo", "")) for one in operations if getattr(one, "_should_ignore", False)]
    if out:
        raise Refused(
            f"{place}: the .gitignore there keeps out {', '.join(out[:8])}",
            hint="change that file, and push again; no version was made",
        )


def _refuse_reserved(entry: Entry) -> None:
    if bad := [file.path for file in entry.manifest.files if reserved(file.path)]:
        raise Refused(f"{bad[0]}: on a Hub this path is one of adapterhub's own", hint="rename the file, and add again")


@final
@dataclass
class _Push:
    finder: Finder
    entry: Entry
    reference: Reference
    public: bool
    sent: int = 0
    tried: list[str] = field(default_factory=list)
    """Labels that turned out to be taken."""

    @property
    def client(self) -> Client:
        return self.finder.client

    @property
    def repo(self) -> str:
        return str(self.reference.name)

    def once(self) -> str:
        """One try; the version's label. `Moved` where somebody else committed or tagged meanwhile."""
        book = self._book()
        label = self._label(book)
        known = book.version(label)
        commit = self._commit(book, label, known is not None)
        if known is None:
            self._tag(label, commit)
        return label

    def _book(self) -> Book:
        """What is there; an empty repository is made where there is none."""
        try:
            return read_book(self.client, self.repo)
        except NotFound:
            with self.client.asking(self.client.place(self.repo)):
                self.client.api.create_repo(self.repo, visibility="public" if self.public else "private", exist_ok=True)
            return read_book(self.client, self.repo)

    def _label(self, book: Book) -> str:
        """The label to publish under; `LabelTaken` where it means something else."""
        digest, pin = self.entry.digest, None if self.reference.is_digest else self.reference.pin
        if pin is None:
            same = [one for one in book.versions if self._digest(book, one.label or "") == digest]
            return (same[-1].label if same else None) or next_integer([*book.labels(), *self.tried])
        if pin in book.aliases:
            raise LabelTaken(f"{self.reference}: {pin} is an alias of {self.repo}", hint="choose another version label")
        if book.version(pin) and (there := self._digest(book, pin)) != digest:
            free = self.reference.at(next_integer(book.labels()))
            raise LabelTaken(
                f"{self.reference} is there with another digest: {there.short if there else '?'}, not {digest.short}",
                hint=f"a version never changes: leave the version out, or write {free}",
            )
        return pin

    def _digest(self, book: Book, label: str) -> Digest | None:
        """The digest of a version there; None where nothing can be read under that tag."""
        version = book.version(label)
        try:
            return self.finder.digest(book, version) if version else None
        except AdapterHubError:
            return None

    def _tag(self, label: str, commit: str) -> None:
        try:
            with self.client.asking(self.client.place(self.repo, label)):
                self.client.api.create_tag(self.repo, tag=label, revision=commit)
        except Taken as error:
            self.tried.append(label)
            there = self._digest(read_book(self.client, self.repo), label)
            if there == self.entry.digest:
                return
            if self.reference.pin is not None and not self.reference.is_digest:
                raise LabelTaken(str(error), hint="leave the version out, and the next one is taken") from None
            raise Moved(str(error), hint="try again") from None

    def _commit(self, book: Book, label: str, known: bool) -> str:
        """The commit that holds the entry; made unless main does."""
        if known and book.ours and not self._new_notes(book, None):
            return book.head
        tree = self.finder.tree(self.repo, book.head)
        plan = Plan(self.entry, tree, known)
        notes = self._new_notes(book, tree)
        if known and not notes:
            return book.head
        with ExitStack() as streams:
            operations = plan.operations(self.repo, notes, streams)
            if not operations:
                return tree.commit
            place = self.client.place(self.repo)
            with self.client.asking(place), quiet():
                try:
                    done = self.client.api.create_commit(
                        self.repo, operations, commit_message=f"Version {label}", parent_commit=tree.commit
                    )
                except ValueError as error:
                    raise Refused(f"{place}: {error}", hint="the Hub does not take it as it is") from None
                finally:
                    _insist_taken(place, operations)
            self.sent += plan.sent
            return str(done.oid)

    def _new_notes(self, book: Book, tree: Tree | None) -> list[Note]:
        """The notes that are not there yet; where an entry was found is for whoever finds it there to note."""
        there = set((book.notes or {}).get(self.entry.digest, ()))
        said = [note for note in self.entry.notes if note.kind != "origin" and not left_out(note)]
        fresh = [note for note in said if Digest.of(note.to_bytes()) not in there]
        return [note for note in fresh if tree is None or path_of(note) not in tree.files]

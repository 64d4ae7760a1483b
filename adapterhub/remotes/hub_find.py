"""Which version of a repository a word means, and the entry that lies there. Commits never change, and are kept."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import final

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Corrupt, NotFound
from adapterhub.protocols.hf_hub.client import Client, quiet
from adapterhub.protocols.hf_hub.repository import Tree, read_tree
from adapterhub.reference import Name, Reference
from adapterhub.registry import Listed
from adapterhub.remotes.hub_book import Book, Version
from adapterhub.remotes.hub_entry import Lying, read_entry

__all__ = ["Finder", "line_of"]

COMMIT = 12
"""Digits of a commit that are shown."""
SHOWN = 8
"""Versions that are named in a hint."""


def line_of(name: Name, version: Version) -> Listed:
    """A version whose digest is known as a line of a registry's list."""
    assert version.digest is not None
    return Listed(Reference(name, version.label), version.digest, version.time, version.by, version.aliases)


@final
@dataclass
class Finder:
    """Reads repositories of one Hub, and remembers what cannot change."""

    client: Client
    _lying: dict[tuple[str, str, str], Lying] = field(default_factory=dict, repr=False)
    _trees: dict[tuple[str, str], Tree] = field(default_factory=dict, repr=False)

    def tree(self, repo: str, revision: str) -> Tree:
        """What lies at a revision; that of a commit is asked for once."""
        if (tree := self._trees.get((repo, revision))) is None:
            tree = read_tree(self.client, repo, revision)
            self._trees[repo, tree.commit] = tree
        return tree

    def lying(self, repo: str, commit: str, folder: str = "") -> Lying:
        """The entry at a commit, or in a folder of it."""
        if not commit:
            raise Corrupt(f"{self.client.place(repo)}: the server tells no commit of it", hint="tell whoever runs it")
        if (key := (repo, commit, folder)) not in self._lying:
            self._lying[key] = read_entry(self.tree(repo, commit), folder)
        return self._lying[key]

    def digest(self, book: Book, version: Version) -> Digest:
        """The digest of a version: as the Hub tells it, else that of the manifest there."""
        return version.digest or self.lying(book.repo, version.commit).manifest.digest

    def line(self, name: Name, book: Book, version: Version, folder: str = "") -> Listed:
        """A version, or what lies in a folder of it, as a line of a registry's list."""
        if version.digest is None or folder:
            lying = self.lying(book.repo, version.commit, folder)
            version = replace(version, digest=lying.manifest.digest, time=version.time or lying.time)
        where = f"commit {version.commit[:COMMIT]} of {self.client.place(book.repo)}, which has no tag"
        return line_of(name, version) if version.label else replace(line_of(name, version), detail=where)

    def version(self, book: Book, reference: Reference) -> Version:
        """What a reference means in a repository; `NotFound` says what there is instead."""
        if reference.pin is None:
            return self.newest(book)
        return self._by_digest(book, reference.pin) if reference.is_digest else self.by_word(book, reference.pin)

    def newest(self, book: Book) -> Version:
        """The version published last; where main has gone on to another entry since, main itself."""
        if book.ours:
            if not book.versions:
                raise NotFound(f"{self.client.place(book.repo)}: no version there", hint="push one first")
            return book.versions[-1]
        head = book.at(book.head)
        if head.label is not None or not book.versions:
            return head
        with self.client.asking(self.client.place(book.repo)), quiet():
            log = [str(commit.commit_id) for commit in self.client.api.list_repo_commits(book.repo)]
        last = next((version for version in map(book.at, log) if version.label), None)
        with suppress(NotFound):  # main may hold no entry any more
            if last is None or self.digest(book, head) != self.digest(book, last):
                return head
        return last or head

    def _by_digest(self, book: Book, pin: str) -> Version:
        each: list[Version] = [*reversed(book.versions)]
        each += [] if book.ours else [book.at(book.head)]
        found = [version for version in each if str(self.digest(book, version)).startswith(pin)]
        if len({self.digest(book, version) for version in found}) > 1:
            words = ", ".join(f"@{one.label or one.commit} {self.digest(book, one).short}" for one in found)
            raise BadReference(f"{book.repo}@{pin}: several versions begin so: {words}", hint="write more digits")
        if not found:
            raise NotFound(f"{self.client.place(book.repo)}: no version there is {pin}", hint=_there(book))
        return found[0]

    def by_word(self, book: Book, word: str) -> Version:
        """A version, an alias, a branch or a commit."""
        if version := book.version(word):
            return version
        if (commit := book.aliases.get(word)) is not None:
            mine = [version for version in book.versions if word in version.aliases]
            return mine[-1] if mine else book.at(commit)
        try:
            return book.at(self.tree(book.repo, word).commit)
        except NotFound:
            place = self.client.place(book.repo)
            raise NotFound(f"{place}: no version, alias, branch or commit {word!r} there", hint=_there(book)) from None


def _there(book: Book) -> str:
    labels = [version.label or "" for version in book.versions]
    shown = f"{'… ' if len(labels) > SHOWN else ''}{', '.join(labels[-SHOWN:])}"
    named = f"; the aliases: {', '.join(sorted(book.aliases))}" if book.aliases else ""
    return f"the versions there: {shown}{named}" if labels else "it has no version yet"

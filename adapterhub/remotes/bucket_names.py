"""Names in a bucket. There are no locks: a condition lets one writer win, and whoever wrote looks again.

Two who could get into each other's way (a version and an alias of one word, an alias and the removal of what it means)
each write first and look then, so at least one of them sees the other, and takes back what he wrote. Where three meet
in one moment an alias may be left hidden or without a version; what a label means is never in doubt.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, final

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError, BadReference, Conflict, Corrupt, NotFound, Refused
from adapterhub.reference import Name
from adapterhub.registry import LabelTaken
from adapterhub.remotes.bucket_objects import Objects
from adapterhub.remotes.bucket_tree import TREE
from adapterhub.store.lookup import Lookup, check_meant, gone
from adapterhub.store.naming import TRIES
from adapterhub.store.shelf import LARGEST, Shelf, Version, parse_alias, parse_version, shelf_of
from adapterhub.version import check_label, is_label

if TYPE_CHECKING:
    from obstore import UpdateVersion

__all__ = ["BucketNames"]

CHUNK = 200
"""Adapters whose files are read together."""


@final
@dataclass
class Words:
    """The words below one adapter's name."""

    versions: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)


@final
@dataclass(frozen=True)
class BucketNames(Lookup):
    """The names in one bucket."""

    objects: Objects

    @property
    def where(self) -> str:
        return self.objects.url

    def all(self) -> Iterator[Name]:
        return (name for name, words in self._words(str(TREE.names)).items() if words.versions)

    def _words(self, folder: str) -> dict[Name, Words]:
        """What lies below names/, by adapter; what is no name or label is left out."""
        found: dict[Name, Words] = {}
        for key in self.objects.keys(folder):
            parts = key.split("/")
            if len(parts) == 5 and parts[3] in Words.__annotations__ and is_label(parts[4]):
                with contextlib.suppress(BadReference):
                    words = found.setdefault(Name(parts[1], parts[2]), Words())
                    getattr(words, parts[3]).append(parts[4])
        return found

    def _words_of(self, name: Name) -> Words:
        return self._words(f"{TREE.names}/{name}").get(name, Words())

    def everything(self) -> Iterator[tuple[Name, Shelf, dict[str, str]]]:
        """Every adapter with its versions and aliases, by name."""
        left = iter(sorted((name, words) for name, words in self._words(str(TREE.names)).items()))
        while chunk := dict(islice(left, CHUNK)):
            yield from self._read(chunk)

    def _read(self, chunk: dict[Name, Words]) -> Iterator[tuple[Name, Shelf, dict[str, str]]]:
        paths = [str(TREE.versions(name) / label) for name, words in chunk.items() for label in words.versions]
        paths += [str(TREE.aliases(name) / alias) for name, words in chunk.items() for alias in words.aliases]
        data = dict(zip(paths, self.objects.many(paths, LARGEST), strict=True))
        for name, words in chunk.items():
            versions = {label: data[str(TREE.versions(name) / label)] for label in words.versions}
            aliases = {alias: data[str(TREE.aliases(name) / alias)] for alias in words.aliases}
            yield name, self._shelf(name, versions), _meant(aliases)

    def _shelf(self, name: Name, files: dict[str, bytes | Corrupt | None]) -> Shelf:
        versions: list[Version] = []
        unreadable: dict[str, AdapterHubError] = {}
        for label, data in files.items():
            if isinstance(data, Corrupt):
                unreadable[label] = data
            elif data is not None:
                try:
                    versions.append(self._parsed(str(TREE.versions(name) / label), label, data))
                except Corrupt as error:
                    unreadable[label] = error
        return shelf_of(versions, unreadable)

    def _parsed(self, path: str, label: str, data: bytes) -> Version:
        return parse_version(label, data, f"{self.objects.url}/{path}")

    def shelf(self, name: Name) -> Shelf:
        words = self._words_of(name).versions
        return self._shelf(name, dict(zip(words, self._many(str(TREE.versions(name)), words), strict=True)))

    def aliases(self, name: Name) -> dict[str, str]:
        words = self._words_of(name).aliases
        return _meant(dict(zip(words, self._many(str(TREE.aliases(name)), words), strict=True)))

    def _many(self, folder: str, words: Iterable[str]) -> list[bytes | Corrupt | None]:
        return self.objects.many([f"{folder}/{word}" for word in words], LARGEST)

    def version(self, name: Name, label: str) -> Version | None:
        return self._version(f"{TREE.versions(name)}/{label}", label) if is_label(label) else None

    def removed(self, name: Name, label: str) -> Version | None:
        return self._version(f"{TREE.removed(name)}/{label}", label)

    def _version(self, path: str, label: str) -> Version | None:
        data = self.objects.read(path, LARGEST)
        return None if data is None else self._parsed(path, label, data)

    def taken(self, name: Name) -> Iterator[str]:
        words = self._words_of(name)
        return iter([*words.versions, *words.removed, *words.aliases])

    def settled(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def point(self, name: Name, label: str, digest: Digest, by: str) -> Version:
        """See `Lookup.point`; what turns out to be taken is taken back."""
        version, path = self.shelf(name).next(label, digest, by), f"{TREE.versions(name)}/{label}"
        made = self.objects.create(path, version.to_bytes())
        try:
            # Again: since it was free it may have been published and removed, or become an alias.
            self.label_for(name.at(label), digest)
        except LabelTaken:
            if made:
                self._bury(name, label, version.to_bytes())
            raise
        return self.version(name, label) or version

    def remove(self, name: Name, label: str) -> None:
        """Take a version's name away; its label stays taken, for ever. `Refused` while an alias means it."""
        self.check_unmeant(name, label)
        path = f"{TREE.versions(name)}/{label}"
        if (data := self.objects.read(path, LARGEST)) is None:
            raise gone(name, label)
        self._bury(name, label, data)
        try:
            self.check_unmeant(name, label)
        except Refused:
            self.objects.create(path, data)
            raise

    def _bury(self, name: Name, label: str, data: bytes) -> None:
        """Let a version be gone. What its label meant is written first: somebody may have been told it already."""
        self.objects.create(f"{TREE.removed(name)}/{label}", data)
        self.objects.delete(f"{TREE.versions(name)}/{label}")

    def alias(self, name: Name, alias: str, label: str, expect: str | None) -> str | None:
        """Move an alias by compare-and-set and return what it meant before; `expect` "" means: not set yet."""
        path = f"{TREE.aliases(name)}/{check_label(alias, 'alias')}"
        for _ in range(TRIES):
            found = self.objects.find(path, LARGEST)
            before = parse_alias(found[0]) if found else None
            self.check_aim(name, alias, label)
            check_meant(name, alias, before, expect)
            state = self.objects.swap(path, f"{label}\n".encode(), found[1] if found else None)
            if state is None:  # somebody else was faster
                continue
            try:
                self.check_aim(name, alias, label)
            except (Conflict, NotFound):
                self._take_back(path, found[0] if found else None, state)
                raise
            return before
        raise Conflict(f"{name}: {TRIES} others moved the alias {alias} first", hint="try again")

    def _take_back(self, path: str, before: bytes | None, state: "UpdateVersion") -> None:
        if before is None:
            self.objects.delete(path)
        else:
            self.objects.swap(path, before, state)


def _meant(files: dict[str, bytes | Corrupt | None]) -> dict[str, str]:
    """Alias -> version; "" for what cannot be read."""
    known = {alias: data for alias, data in files.items() if data is not None}
    return {alias: "" if isinstance(data, Corrupt) else parse_alias(data) for alias, data in known.items()}

"""What a reference means where names are files, whatever holds those: a folder or a bucket."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Conflict, NotFound, Refused
from adapterhub.reference import Name, Reference
from adapterhub.registry import LabelTaken, Listed
from adapterhub.store.shelf import Shelf, Version
from adapterhub.version import check_label, next_integer

__all__ = ["Lookup", "check_meant", "gone"]


class Lookup(ABC):
    """The rules of versions and aliases. What they are applied to is read anew each time."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Where the names lie, for messages."""

    @abstractmethod
    def all(self) -> Iterator[Name]:
        """Every adapter that has a version."""

    @abstractmethod
    def shelf(self, name: Name) -> Shelf:
        """All versions of an adapter, and the labels that cannot be read."""

    @abstractmethod
    def version(self, name: Name, label: str) -> Version | None:
        """The version with this label; `Corrupt` where its file cannot be read."""

    @abstractmethod
    def removed(self, name: Name, label: str) -> Version | None:
        """A version whose name was taken away."""

    @abstractmethod
    def aliases(self, name: Name) -> dict[str, str]:
        """Alias -> version."""

    @abstractmethod
    def taken(self, name: Name) -> Iterator[str]:
        """The labels that no new version can have: those of versions, removed or not, and the aliases."""

    @abstractmethod
    def settled(self) -> AbstractContextManager[None]:
        """While this is held no alias moves and no version is removed, where names can be locked."""

    @abstractmethod
    def point(self, name: Name, label: str, digest: Digest, by: str) -> Version:
        """Name a digest; the one step that publishes. Of two writers one wins, the other gets `LabelTaken`."""

    def resolve(self, reference: Reference) -> Listed:
        """The line of the version a reference means; `NotFound` says what there is instead.

        A label that cannot be read stands in the way of nobody but who asks for it, or who can be told no other.
        """
        name, pin = reference.name, reference.pin
        if pin is not None and not reference.is_digest and (exact := self.version(name, pin)):
            return self.line(name, exact)
        shelf = self.shelf(name)
        versions = shelf.readable()
        if not versions:
            raise NotFound(f"{name}: no such adapter in {self.where}", hint=self._similar(name))
        if pin is None:
            return replace(self.line(name, versions[-1]), detail=shelf.doubt)
        if reference.is_digest:
            return self.line(name, _by_digest(reference, versions))
        if target := self.aliases(name).get(pin):
            if aimed := self.version(name, target):
                return self.line(name, aimed)
            raise NotFound(
                f"{reference}: the alias means version {target}, which is gone", hint=_versions_hint(versions)
            )
        raise NotFound(f"{reference}: no such version or alias in {self.where}", hint=_versions_hint(versions))

    def _similar(self, name: Name) -> str:
        known = [str(other) for other in self.all()]
        if close := difflib.get_close_matches(str(name), known, n=3):
            return f"did you mean {' or '.join(close)}? a folder begins with ./"
        return "`adapterhub list` shows what there is; a folder begins with ./"

    def listed(self, name: Name) -> list[Listed]:
        """The lines of an adapter in a registry's list, the newest last, without what cannot be read."""
        aliases = self.aliases(name)
        return [self.line(name, version, aliases) for version in self.shelf(name).versions]

    def line(self, name: Name, version: Version, aliases: dict[str, str] | None = None) -> Listed:
        """The line of one version in a registry's list."""
        known = self.aliases(name) if aliases is None else aliases
        mine = tuple(sorted(alias for alias, label in known.items() if label == version.label))
        return Listed(name.at(version.label), version.digest, version.time, version.by, mine)

    def label_for(self, reference: Reference, digest: Digest) -> str:
        """The version to publish under: the one asked for, the newest that has this digest, else the next integer.

        `LabelTaken` when it means something else.
        """
        name = reference.name
        if reference.pin is None or reference.is_digest:
            same = [version for version in self.shelf(name).versions if version.digest == digest]
            return same[-1].label if same else self._next(name)
        label = check_label(reference.pin)
        if label in self.aliases(name):
            raise LabelTaken(f"{reference}: {label} is an alias of {name}", hint="choose another version label")
        self.check_free(name, label, digest)
        return label

    def _next(self, name: Name) -> str:
        return next_integer(self.taken(name))

    def check_free(self, name: Name, label: str, digest: Digest) -> None:
        """`LabelTaken` where a label means another digest, or meant it before it was removed."""
        # In this order: who removes a version writes the one before he takes away the other.
        version = self.version(name, label)
        differs = version is not None and version.digest != digest
        there = version if differs else self.removed(name, label)
        if there and there.digest != digest:
            where = "is there" if differs else "was removed, and its label stays taken"
            raise LabelTaken(
                f"{name.at(label)} {where} with another digest: {there.digest.short}, not {digest.short}",
                hint=f"a version never changes: leave the version out, or write {name.at(self._next(name))}",
            )

    def check_unmeant(self, name: Name, label: str) -> None:
        """`Refused` while an alias means a version."""
        if mine := [alias for alias, target in self.aliases(name).items() if target == label]:
            what = f"aliases {', '.join(mine)} mean" if len(mine) > 1 else f"alias {mine[0]} means"
            raise Refused(
                f"{name.at(label)}: the {what} this version",
                hint=f"move it first: adapterhub alias {name}@VERSION {mine[0]}; or remove all versions with --all",
            )

    def check_aim(self, name: Name, alias: str, label: str) -> None:
        """`Conflict` where an alias is a version, `NotFound` where there is none for it to mean."""
        if self.version(name, alias):
            raise Conflict(f"{name}: {alias!r} is a version, so it cannot be an alias", hint="choose another word")
        if not self.version(name, label):
            raise NotFound(f"{name.at(label)}: no such version", hint=_versions_hint(self.shelf(name).versions))


def _by_digest(reference: Reference, versions: tuple[Version, ...]) -> Version:
    matching = [version for version in versions if str(version.digest).startswith(str(reference.pin))]
    if not matching:
        raise NotFound(f"{reference}: no version has this digest", hint=_versions_hint(versions))
    if len({version.digest for version in matching}) > 1:
        found = ", ".join(f"@{version.label} {version.digest.short}" for version in matching)
        raise BadReference(f"{reference}: several versions begin so: {found}", hint="write more digits")
    return matching[-1]


def _versions_hint(versions: Sequence[Version]) -> str:
    if not versions:
        return "no version is left"
    shown = ", ".join(version.label for version in versions[-8:])
    return f"the versions there: {'… ' if len(versions) > 8 else ''}{shown}"


def check_meant(name: Name, alias: str, before: str | None, expect: str | None) -> None:
    """`Conflict` where an alias does not mean what is expected; `expect` "" means: not set yet."""
    if expect is not None and (before or "") != expect:
        raise Conflict(
            f"{name}: the alias {alias} means {before or 'nothing'}, not {expect or 'nothing'}",
            hint="somebody moved it meanwhile: look again, then decide",
        )


def gone(name: Name, label: str) -> NotFound:
    """Why a version cannot be removed that was there a moment ago."""
    return NotFound(
        f"{name.at(label)}: no such version; somebody else removed it", hint=f"`adapterhub log {name}` tells who"
    )

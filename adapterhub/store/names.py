"""Names: which digest a version has, which version an alias means. Small files, each written in one step."""

import contextlib
import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.durable import make_folder, replace, sync_folder, write_new
from adapterhub.errors import BadReference, Conflict, Corrupt, NotFound, Refused
from adapterhub.reference import Name, Reference
from adapterhub.registry import LabelTaken, Listed
from adapterhub.regular import read_regular
from adapterhub.store.layout import Layout
from adapterhub.store.locks import alone, shared
from adapterhub.store.shelf import LARGEST, Shelf, Version, labels, now, read_shelf, read_version
from adapterhub.version import check_label, is_label, next_integer

__all__ = ["Names"]

LOCK = "names.lock"
"""Held alone by those who move an alias or remove a version, together by those who publish one."""


@final
@dataclass(frozen=True)
class Names:
    """The names below one root."""

    layout: Layout

    def all(self) -> Iterator[Name]:
        """Every adapter that has a version. Words that are no names are left to `check`."""
        for namespace in _folders(self.layout.names):
            for folder in _folders(self.layout.names / namespace):
                with contextlib.suppress(BadReference):
                    name = Name(namespace, folder)
                    if next(labels(self.layout.versions(name)), None):
                        yield name

    def shelf(self, name: Name) -> Shelf:
        """All versions of an adapter, and the labels that cannot be read."""
        return read_shelf(self.layout.versions(name))

    def version(self, name: Name, label: str) -> Version | None:
        """The version with this label; `Corrupt` where its file cannot be read."""
        return read_version(self.layout.versions(name), label) if is_label(label) else None

    def removed(self, name: Name, label: str) -> Version | None:
        """A version whose name was taken away."""
        return read_version(self.layout.removed(name), label)

    def aliases(self, name: Name) -> dict[str, str]:
        """Alias -> version."""
        folder = self.layout.aliases(name)
        meant = {alias: _read_alias(folder / alias) for alias in labels(folder)}
        return {alias: label for alias, label in meant.items() if label is not None}

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
            raise NotFound(f"{name}: no such adapter in {self.layout.root}", hint=self._similar(name))
        if pin is None:
            return replaced(self.line(name, versions[-1]), detail=shelf.doubt)
        if reference.is_digest:
            return self.line(name, self._by_digest(reference, versions))
        if target := self.aliases(name).get(pin):
            if aimed := self.version(name, target):
                return self.line(name, aimed)
            raise NotFound(
                f"{reference}: the alias means version {target}, which is gone", hint=_versions_hint(versions)
            )
        raise NotFound(f"{reference}: no such version or alias", hint=_versions_hint(versions))

    def _by_digest(self, reference: Reference, versions: tuple[Version, ...]) -> Version:
        matching = [version for version in versions if str(version.digest).startswith(str(reference.pin))]
        if not matching:
            raise NotFound(f"{reference}: no version has this digest", hint=_versions_hint(versions))
        if len({version.digest for version in matching}) > 1:
            found = ", ".join(f"@{version.label} {version.digest.short}" for version in matching)
            raise BadReference(f"{reference}: several versions begin so: {found}", hint="write more digits")
        return matching[-1]

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
        self._check_free(name, label, digest)
        return label

    def _next(self, name: Name) -> str:
        taken = [*labels(self.layout.versions(name)), *labels(self.layout.removed(name)), *self.aliases(name)]
        return next_integer(taken)

    def _check_free(self, name: Name, label: str, digest: Digest) -> None:
        there = self.version(name, label) or self.removed(name, label)
        if there and there.digest != digest:
            where = "is there" if self.version(name, label) else "was removed, and its label stays taken"
            raise LabelTaken(
                f"{name.at(label)} {where} with another digest: {there.digest.short}, not {digest.short}",
                hint=f"a version never changes: leave the version out, or write {name.at(self._next(name))}",
            )

    def settled(self) -> contextlib.AbstractContextManager[None]:
        """While this is held no alias moves and no version is removed, so a label that was free stays free for it."""
        return shared(self.layout.incoming, LOCK)

    def point(self, name: Name, label: str, digest: Digest, by: str) -> Version:
        """Name a digest; the one step that publishes. Of two writers one wins, the other gets `LabelTaken`."""
        newest = self.shelf(name).newest
        version = Version(label, digest, now(newest.time if newest else ""), by, newest.label if newest else "")
        with contextlib.suppress(FileExistsError):
            write_new(self.layout.versions(name) / label, version.to_bytes())
        self._check_free(name, label, digest)
        (self.layout.removed(name) / label).unlink(missing_ok=True)
        return self.version(name, label) or version

    def remove(self, name: Name, label: str) -> None:
        """Take a version's name away; its label stays taken. `Refused` while an alias means it."""
        with alone(self.layout.incoming, LOCK):
            if mine := [alias for alias, target in self.aliases(name).items() if target == label]:
                what = f"aliases {', '.join(mine)} mean" if len(mine) > 1 else f"alias {mine[0]} means"
                raise Refused(
                    f"{name.at(label)}: the {what} this version",
                    hint=f"move it first: adapterhub alias {name}@VERSION {mine[0]}; or remove all versions with --all",
                )
            make_folder(self.layout.removed(name))
            try:
                os.replace(self.layout.versions(name) / label, self.layout.removed(name) / label)
            except FileNotFoundError:
                raise NotFound(
                    f"{name.at(label)}: no such version; somebody else removed it",
                    hint=f"`adapterhub log {name}` tells who",
                ) from None
            sync_folder(self.layout.removed(name))
            sync_folder(self.layout.versions(name))

    def drop_aliases(self, name: Name) -> None:
        """Let all aliases of an adapter mean nothing, so that all its versions can be removed."""
        with alone(self.layout.incoming, LOCK):
            if known := self.aliases(name):
                for alias in known:
                    (self.layout.aliases(name) / alias).unlink(missing_ok=True)
                sync_folder(self.layout.aliases(name))

    def alias(self, name: Name, alias: str, label: str, expect: str | None) -> str | None:
        """Move an alias by compare-and-set and return what it meant before; `expect` "" means: not set yet."""
        check_label(alias, "alias")
        folder = self.layout.aliases(name)
        with alone(self.layout.incoming, LOCK):
            before = self.aliases(name).get(alias)
            if self.version(name, alias):
                raise Conflict(f"{name}: {alias!r} is a version, so it cannot be an alias", hint="choose another word")
            if not self.version(name, label):
                raise NotFound(f"{name.at(label)}: no such version", hint=_versions_hint(self.shelf(name).versions))
            if expect is not None and (before or "") != expect:
                raise Conflict(
                    f"{name}: the alias {alias} means {before or 'nothing'}, not {expect or 'nothing'}",
                    hint="somebody moved it meanwhile: look again, then decide",
                )
            replace(folder / alias, f"{label}\n".encode())
        return before


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as found:
            return sorted(item.name for item in found if item.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read_alias(path: Path) -> str | None:
    """The word in an alias's file, which may be any bytes, "" in what is no file; None where it is gone."""
    try:
        return read_regular(path, LARGEST).decode(errors="replace").strip()
    except FileNotFoundError:
        return None
    except (Corrupt, OSError):
        return ""


def _versions_hint(versions: Sequence[Version]) -> str:
    if not versions:
        return "no version is left"
    shown = ", ".join(version.label for version in versions[-8:])
    return f"there {'are' if len(versions) > 1 else 'is'} {'… ' if len(versions) > 8 else ''}{shown}"

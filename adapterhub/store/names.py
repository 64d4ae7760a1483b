"""Names: which digest a version has, which version an alias means. Small files, each written in one step."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.durable import make_folder, replace, sync_folder, write_new
from adapterhub.errors import BadReference, Corrupt, NotFound
from adapterhub.reference import Name
from adapterhub.regular import read_regular
from adapterhub.store.layout import Layout
from adapterhub.store.locks import alone, shared
from adapterhub.store.lookup import Lookup, check_meant, gone
from adapterhub.store.shelf import LARGEST, Shelf, Version, labels, parse_alias, read_shelf, read_version
from adapterhub.version import check_label, is_label

__all__ = ["Names"]

LOCK = "names.lock"
"""Held alone by those who move an alias or remove a version, together by those who publish one."""


@final
@dataclass(frozen=True)
class Names(Lookup):
    """The names below one root."""

    layout: Layout

    @property
    def where(self) -> str:
        return str(self.layout.root)

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

    def taken(self, name: Name) -> Iterator[str]:
        yield from labels(self.layout.versions(name))
        yield from labels(self.layout.removed(name))
        yield from self.aliases(name)

    def settled(self) -> contextlib.AbstractContextManager[None]:
        """While this is held no alias moves and no version is removed, so a label that was free stays free for it."""
        return shared(self.layout.incoming, LOCK)

    def point(self, name: Name, label: str, digest: Digest, by: str) -> Version:
        """Name a digest; the one step that publishes. Of two writers one wins, the other gets `LabelTaken`."""
        version = self.shelf(name).next(label, digest, by)
        with contextlib.suppress(FileExistsError):
            write_new(self.layout.versions(name) / label, version.to_bytes())
        self.check_free(name, label, digest)
        (self.layout.removed(name) / label).unlink(missing_ok=True)
        return self.version(name, label) or version

    def remove(self, name: Name, label: str) -> None:
        """Take a version's name away; its label stays taken. `Refused` while an alias means it."""
        with alone(self.layout.incoming, LOCK):
            self.check_unmeant(name, label)
            make_folder(self.layout.removed(name))
            try:
                os.replace(self.layout.versions(name) / label, self.layout.removed(name) / label)
            except FileNotFoundError:
                raise gone(name, label) from None
            sync_folder(self.layout.removed(name))
            sync_folder(self.layout.versions(name))

    def drop_aliases(self, name: Name) -> None:
        """Let all aliases of an adapter mean nothing, so that all its versions can be removed."""
        with alone(self.layout.incoming, LOCK):
            if known := self.aliases(name):
                for alias in known:
                    (self.layout.aliases(name) / alias).unlink(missing_ok=True)
                sync_folder(self.layout.aliases(name))

    def drop_alias(self, name: Name, alias: str) -> str:
        """Let one alias mean nothing; what it meant. `NotFound` where it meant nothing."""
        with alone(self.layout.incoming, LOCK):
            before = self.aliases(name).get(alias)
            if before is None:
                raise NotFound(f"{name}: there is no alias {alias!r}", hint=f"`adapterhub show {name}` tells which")
            (self.layout.aliases(name) / alias).unlink(missing_ok=True)
            sync_folder(self.layout.aliases(name))
        return before

    def alias(self, name: Name, alias: str, label: str, expect: str | None) -> str | None:
        """Move an alias by compare-and-set and return what it meant before; `expect` "" means: not set yet."""
        check_label(alias, "alias")
        folder = self.layout.aliases(name)
        with alone(self.layout.incoming, LOCK):
            before = self.aliases(name).get(alias)
            self.check_aim(name, alias, label)
            check_meant(name, alias, before, expect)
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
        return parse_alias(read_regular(path, LARGEST))
    except FileNotFoundError:
        return None
    except (Corrupt, OSError):
        return ""

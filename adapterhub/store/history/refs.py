"""Branches and tags on disk: one file each, one line: the commit it means."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.durable import replace, sync_folder, write_new
from adapterhub.errors import AdapterHubError, Conflict, Corrupt, NotFound
from adapterhub.regular import read_regular
from adapterhub.store.history.quoting import check_ref, is_ref, quote, unquote
from adapterhub.store.places import inside

__all__ = ["Refs", "is_oid", "read_line"]

LARGEST = 1 << 10
"""Bytes such a file may have."""

OID = re.compile(r"[0-9a-f]{40}")


def is_oid(word: str) -> bool:
    """Whether a word can be the name of a commit."""
    return OID.fullmatch(word) is not None


def read_line(path: Path) -> str:
    """The commit a file names, or "" where it is empty; `Corrupt` for anything else, `FileNotFoundError` for none."""
    line = read_regular(path, LARGEST).decode(errors="replace")
    if (word := line.removesuffix("\n")) and not is_oid(word):
        raise Corrupt(
            f"{path}: holds {line[:60]!r}, wanted the 40 hex digits of a commit",
            hint="`adapterhub check --repair` sets it aside",
        )
    return word


@final
@dataclass(frozen=True)
class Refs:
    """The branches or the tags of one repository; `what` is the word for one in an error."""

    folder: Path
    what: str

    def files(self) -> Iterator[Path]:
        """Every file here, whatever is in it."""
        yield from inside(self.folder)

    def read(self, path: Path) -> tuple[str, str]:
        """The name and the commit of one file; `Corrupt` where it cannot be read, or is nobody's."""
        if (word := unquote(path.name)) is None:
            raise Corrupt(
                f"{path}: no {self.what} has this file name", hint="`adapterhub check --repair` sets it aside"
            )
        if not (oid := read_line(path)):
            raise Corrupt(f"{path}: it is empty", hint="`adapterhub check --repair` sets it aside")
        return word, oid

    def all(self) -> dict[str, str]:
        """Name -> commit. What cannot be read is left out: `check` names it."""
        found = {}
        for path in self.files():
            with contextlib.suppress(AdapterHubError, OSError):  # dropped meanwhile, or damaged
                word, oid = self.read(path)
                found[word] = oid
        return dict(sorted(found.items()))

    def has(self, word: str) -> bool:
        """Whether a name is taken, also where its commit cannot be read."""
        return is_ref(word) and os.path.lexists(self.folder / quote(word))

    def get(self, word: str) -> str | None:
        """The commit a name means; None where there is none, `Corrupt` where it cannot be read."""
        if not is_ref(word):
            return None
        try:
            return self.read(self.folder / quote(word))[1]
        except FileNotFoundError:
            return None

    def at(self, word: str) -> str:
        """The same; "" where there is none, or it cannot be read: `check` names it."""
        with contextlib.suppress(AdapterHubError, OSError):
            return self.get(word) or ""
        return ""

    def set(self, word: str, oid: str) -> None:
        """Let a name mean a commit, whatever it meant."""
        replace(self.folder / quote(check_ref(word, self.what)), f"{oid}\n".encode())

    def new(self, word: str, oid: str) -> None:
        """Let a new name mean a commit; `Conflict` where it means one already."""
        try:
            write_new(self.folder / quote(check_ref(word, self.what)), f"{oid}\n".encode())
        except FileExistsError:
            raise Conflict(
                f"the {self.what} {word} is there already", hint="choose another, or drop it first"
            ) from None

    def drop(self, word: str) -> None:
        """Take a name away; `NotFound` where there is none."""
        try:
            (self.folder / quote(check_ref(word, self.what))).unlink()
        except FileNotFoundError:
            raise NotFound(
                f"there is no {self.what} {word}", hint="somebody else dropped it, or is it misspelt?"
            ) from None
        sync_folder(self.folder)

"""The versions of one adapter: what their files say, and which of them cannot be read."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.document import canonical
from adapterhub.errors import AdapterHubError, BadReference, Corrupt
from adapterhub.regular import read_regular
from adapterhub.system import from_system
from adapterhub.version import is_label

__all__ = [
    "LARGEST",
    "Shelf",
    "Version",
    "labels",
    "now",
    "parse_alias",
    "parse_version",
    "read_shelf",
    "read_version",
    "shelf_of",
]

LARGEST = 1 << 20
"""Bytes a version's or an alias's file may have."""


@final
@dataclass(frozen=True)
class Version:
    """What a version's file says: the digest it names, when and by whom it was published, what was newest then."""

    label: str
    digest: Digest
    time: str
    by: str = ""
    after: str = ""

    def to_bytes(self) -> bytes:
        said = {"digest": str(self.digest), "time": self.time, "by": self.by, "after": self.after}
        return canonical({key: value for key, value in said.items() if value}) + b"\n"


@final
@dataclass(frozen=True)
class Shelf:
    """The versions of an adapter that can be read, the newest last; the labels of the others, each with the reason."""

    versions: tuple[Version, ...]
    unreadable: dict[str, AdapterHubError]

    @property
    def newest(self) -> Version | None:
        return self.versions[-1] if self.versions else None

    def next(self, label: str, digest: Digest, by: str) -> Version:
        """What the file of a version says that is published now."""
        newest = self.newest
        return Version(label, digest, now(newest.time if newest else ""), by, newest.label if newest else "")

    @property
    def doubt(self) -> str:
        """What somebody should know who was told the newest, or all; empty where every version can be read."""
        return f"without what cannot be read: {', '.join(sorted(self.unreadable))}" if self.unreadable else ""

    def readable(self) -> tuple[Version, ...]:
        """The versions; the first reason where there are some and none can be read."""
        if self.unreadable and not self.versions:
            raise next(iter(self.unreadable.values()))
        return self.versions


def now(later_than: str = "") -> str:
    """This moment in UTC, or one microsecond after `later_than` where the clock has not reached it.

    So the order of versions survives a clock that was set back.
    """
    moment = datetime.now(UTC)
    # A time somebody else wrote may have no zone, or be the last there is.
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        if later_than and (floor := datetime.fromisoformat(later_than)) >= moment:
            moment = floor + timedelta(microseconds=1)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_version(label: str, data: bytes, what: str) -> Version:
    """Read a version's file; `what` names it in the error."""
    try:
        said = json.loads(data)
        return Version(
            label, Digest.parse(said["digest"]), str(said["time"]), str(said.get("by", "")), str(said.get("after", ""))
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadReference) as error:
        raise Corrupt(
            f"{what}: not a version's file ({type(error).__name__}: {error})",
            hint="`adapterhub check --repair` sets it aside; publish that version again",
        ) from None


def parse_alias(data: bytes) -> str:
    """The word in an alias's file, which may be any bytes."""
    return data.decode(errors="replace").strip()


def read_version(folder: Path, label: str) -> Version | None:
    """What the file of a label says; None where there is none."""
    path = folder / label
    try:
        return parse_version(label, read_regular(path, LARGEST), str(path))
    except FileNotFoundError:
        return None


def read_shelf(folder: Path) -> Shelf:
    """What lies in a folder of versions."""
    versions: list[Version] = []
    unreadable: dict[str, AdapterHubError] = {}
    for label in labels(folder):
        try:
            if version := read_version(folder, label):
                versions.append(version)
        except AdapterHubError as error:
            unreadable[label] = error
        except OSError as error:
            unreadable[label] = from_system(error)
    return shelf_of(versions, unreadable)


def shelf_of(versions: Iterable[Version], unreadable: dict[str, AdapterHubError]) -> Shelf:
    """The versions in their order."""
    return Shelf(tuple(sorted(versions, key=lambda version: (version.time, version.label))), unreadable)


def labels(folder: Path) -> Iterator[str]:
    """The words in a folder of versions or aliases; what is no word, as a file being written, is left to `check`."""
    try:
        with os.scandir(folder) as found:
            words = sorted(item.name for item in found if is_label(item.name))
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from words

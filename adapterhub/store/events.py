"""Events: who did what, one immutable file each. The index replays those it has not seen.

An event is written before the name it tells of, so that no crash can hide a change from the index. Where the change
then fails, the event is taken back; where the machine dies between the two, it tells of something that was only tried.
"""

import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from adapterhub.document import Document
from adapterhub.durable import write_new
from adapterhub.errors import AdapterHubError
from adapterhub.regular import read_regular
from adapterhub.store.layout import Layout
from adapterhub.store.listing import Listing, listing
from adapterhub.store.shelf import now
from adapterhub.system import from_system

__all__ = ["Event", "Events", "Told"]

LATE = 20.0
"""Seconds after which a deed is late: an index that has seen its event looks for it for a minute (see index/sync)."""


class Event(Document):
    """One deed: publish, remove, alias, unalias, note, visible (who may see it on a server), move (to the name in the
    detail, with all versions), token or revoke (the server's `token:<name>` was made or ended; the detail tells its id
    and what it may); or `unreadable`, an event that nobody can read any more, whose detail says why."""

    time: str
    action: str
    reference: str
    digest: str = ""
    by: str = ""
    detail: str = ""

    def file_name(self) -> str:
        """A name nobody else has; names sort by time."""
        return _file_name(self.time)


def _file_name(at: str) -> str:
    stamp = at.replace(":", "").replace("-", "")
    return f"{stamp}-{secrets.token_hex(4)}.json"


@final
@dataclass(frozen=True)
class Told:
    """An event that was told just now, before its deed; when that was, by the clock on the wall and by a steady one."""

    path: Path
    wall: float = field(default_factory=time.time)
    steady: float = field(default_factory=time.monotonic)

    def take_back(self) -> None:
        """The deed has failed."""
        self.path.unlink(missing_ok=True)

    def done(self) -> None:
        """The deed is done. Where that took long, the event goes behind all others: who has seen it looks again."""
        if max(abs(time.time() - self.wall), time.monotonic() - self.steady) > LATE:
            with contextlib.suppress(OSError):
                self.path.rename(self.path.with_name(_file_name(now())))


@final
@dataclass(frozen=True)
class Events:
    """The events below one root."""

    layout: Layout

    def write(self, action: str, reference: str, *, digest: str = "", by: str = "", detail: str = "") -> Told:
        """Tell an event; whoever does the deed says then that it is done, or takes the event back."""
        event = Event(time=now(), action=action, reference=reference, digest=digest, by=by, detail=detail)
        path = self.layout.events / event.file_name()
        write_new(path, event.to_bytes() + b"\n")
        return Told(path)

    @contextlib.contextmanager
    def telling(self, action: str, reference: str, **said: str) -> Iterator[None]:
        """Tell an event, as `write` does, and then do the deed inside; where that fails, the event is taken back."""
        told = self.write(action, reference, **said)
        try:
            yield
        except BaseException:
            told.take_back()
            raise
        told.done()

    def listing(self) -> Listing:
        """The names of all event files, oldest first."""
        return listing(self.layout.events)

    def files(self) -> list[str]:
        """The names of all event files, as a list of its own."""
        return list(self.listing().names)

    def read(self, name: str) -> Event:
        path = self.layout.events / name
        return Event.from_bytes(read_regular(path), str(path))

    def all(self, about: str = "") -> Iterator[Event]:
        """Every event about a name (`ada/poet`), or every event, oldest first.

        One that cannot be read might be about any name: it is told as `unreadable` where it stands.
        """
        for name in self.files():
            try:
                # Looked at as plain data first: validating 100,000 documents to show ten would take seconds.
                if about and _subject(read_regular(self.layout.events / name)) not in (about, None):
                    continue
                yield self.read(name)
            except FileNotFoundError:  # taken back meanwhile
                continue
            except AdapterHubError as error:
                yield _unreadable(name, error)
            except OSError as error:
                yield _unreadable(name, from_system(error))


def _subject(data: bytes) -> str | None:
    """The name an event is about; None where that cannot be read."""
    try:
        return str(json.loads(data)["reference"]).partition("@")[0]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _unreadable(name: str, error: AdapterHubError) -> Event:
    return Event(time=name.partition("-")[0], action="unreadable", reference="", detail=f"{error}; {error.hint}")

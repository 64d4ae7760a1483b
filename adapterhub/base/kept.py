"""Cards remembered by what their files are, so that the second look at a base reads nothing of its weights.

    <folder>/<sha256 of what is asked>.json      first line: the sha256 of the rest; then {"identity", "card"}

Files are the same where name, device, inode, size and the times of their last changes are. A file that changed less
than two seconds before it was looked at is not remembered: it may be written again within the same tick of its disk's
clock, and would then look as it did.
"""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.document import Document, canonical
from adapterhub.errors import Corrupt
from adapterhub.regular import read_regular

__all__ = ["Identity", "Kept", "identity"]

MADE = 1
"""Raise it when a card says something else of the same files."""

SETTLED = 2.0
"""Seconds; the clocks of disks tick at least that often."""

Identity = tuple[tuple[str | int, ...], ...]
"""What tells files from others, or the name of what never changes."""


class Record(Document):
    """A card, and of which files it is."""

    identity: Identity
    card: Card


def identity(paths: Iterable[tuple[str, Path]]) -> Identity:
    """The files by name, device, inode, size and times: those of the contents, and those nobody can set."""
    rows = sorted((name, path.stat()) for name, path in paths)
    return tuple((name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in rows)


@final
@dataclass(frozen=True)
class Kept:
    """Cards remembered in a folder; without one, nothing is."""

    folder: Path | None

    def card(self, asked: str, look: Callable[[], Identity], make: Callable[[], Card]) -> Card:
        """The card that was remembered for these very files, else the one that is made now."""
        before = look()
        if found := self.find(asked, before):
            return found
        settled = _settled(before)
        card = make()
        if settled and look() == before:
            self._put(asked, Record(identity=before, card=card))
        return card

    def find(self, asked: str, identity: Identity) -> Card | None:
        """What was remembered, if the files are still those."""
        if self.folder is None:
            return None
        path = self._path(asked)
        with contextlib.suppress(OSError, Corrupt):
            said, _, data = read_regular(path).partition(b"\n")
            if said == Digest.of(data).hex.encode():
                record = Record.from_bytes(data, str(path))
                return record.card if record.identity == identity else None
        return None

    def _put(self, asked: str, record: Record) -> None:
        """Not synced: what a crash takes is made again; where nothing can be written, nothing is remembered."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            beside = self.folder / f".{secrets.token_hex(8)}.tmp"
            data = record.to_bytes()
            beside.write_bytes(Digest.of(data).hex.encode() + b"\n" + data)
            beside.replace(self._path(asked))

    def _path(self, asked: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{Digest.of(canonical([MADE, asked])).hex}.json"


def _settled(files: Identity) -> bool:
    changed = max((row[-1] for row in files if len(row) > 1), default=0)
    return isinstance(changed, int) and time.time() - changed / 1e9 > SETTLED

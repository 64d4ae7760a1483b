"""Xet uploads: xorbs wait in a depot of their owner, and a shard makes blobs of them.

An owner is a token and a repository. He can only name what he sent himself, so a xorb that is not what its name says
harms nobody else; and no file comes under blobs/ unless its bytes have the sha256 that the shard claims. Where a shard
and the xorbs disagree, the depot is over: the next upload begins with an empty one, and sends everything again.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO, final

from adapterhub.digest import Digest
from adapterhub.durable import beside, commit
from adapterhub.errors import Corrupt
from adapterhub.protocols.hf_hub.answers import TooLarge
from adapterhub.protocols.xet.shard import Block
from adapterhub.protocols.xet.xorb import read_chunks
from adapterhub.reference import Name
from adapterhub.server.claims import Claims
from adapterhub.server.ingest.xet_kept import table, xorb_path
from adapterhub.server.ingest.xet_making import MOST, Maker
from adapterhub.server.room import Room
from adapterhub.server.settings import Serving
from adapterhub.store.depots import FULL, KEPT, MANY, SHORTEST, Depots, held
from adapterhub.store.store import Store

__all__ = ["XetIngest"]


@final
@dataclass(frozen=True)
class XetIngest:
    """What one caller, a token's id, uploads to one repository."""

    store: Store
    claims: Claims
    serving: Serving
    caller: str
    name: Name

    @property
    def owner(self) -> str:
        """Whose depots these are, in hex digits."""
        return Digest.of(f"{self.caller}\n{self.name}".encode()).hex

    @property
    def depots(self) -> Depots:
        return Depots(self.store.layout.incoming, "xet")

    @property
    def room(self) -> Room:
        return Room(self.store.root, self.serving.spare)

    def begin(self) -> str:
        """The name of the depot that uploads use now; what nobody uses any more is cleaned away.

        On a disk that is full that is said a little sooner.
        """
        self.depots.clean(KEPT if self.room.fits() else SHORTEST)
        self.room.insist()
        return self.depots.current(self.owner)

    def insist_room(self, depot: Path, size: int) -> None:
        """`Full` or `TooLarge` unless a depot and the disk have room for so many bytes more.

        A depot may hold more than what makes the next upload begin another, as one upload cannot change depots.
        """
        self.room.insist(size)
        there, pieces = held(depot)
        most = max(FULL, MOST * self.serving.largest)
        if there + size > most or pieces > 4 * MANY:
            raise TooLarge(
                f"{there} bytes in {pieces} pieces are here, an upload has at most {most} in {4 * MANY}",
                hint="upload in several commits: the next one begins anew",
            )

    @contextlib.contextmanager
    def receiving(self, depot: str) -> Iterator[tuple[BinaryIO, Path]]:
        """A file in a depot for a body that comes, gone at the end unless it was kept; `NotFound` without the depot."""
        with self.depots.using(self.owner, depot) as folder, beside(folder) as (sink, path):
            yield sink, path

    def keep(self, sink: BinaryIO, path: Path, xorb: str) -> bool:
        """Keep a xorb that was received; whether it is new. `Corrupt` where it is none."""
        target = xorb_path(path.parent, xorb)
        new = not target.exists()
        sink.flush()
        with path.open("rb") as sent:
            sink.write(table(read_chunks(sent)))
        commit(sink, path, target)
        return new

    def make(self, sink: BinaryIO, path: Path, gone: Event) -> Iterator[Block]:
        """Make every file of a shard that was received a blob, and claim it: one with each step.

        `Corrupt` where one is not what the shard says: then the depot is over, and the files before it are blobs.
        `Broken` where the client is `gone`, and what it sent is not worth going on.
        """
        sink.flush()
        maker = Maker(self.store, self.claims, self.room, self.caller, path.parent)
        try:
            with path.open("rb") as shard:
                maker.check_sizes(shard, self.serving.largest)
                yield from maker.make(shard, gone)
        except Corrupt:
            self.depots.retire(self.owner, path.parent.name)
            raise

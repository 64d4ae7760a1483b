"""Xet uploads: xorbs wait in a depot of their owner, and a shard makes blobs of them.

An owner is a token and a repository. He can only name what he sent himself, so a xorb that is not what its name says
harms nobody else; and no file comes under blobs/ unless its bytes have the sha256 that the shard claims. Where a shard
and the xorbs disagree, the depot is over: the next upload begins with an empty one, and sends everything again.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

from adapterhub.digest import Digest
from adapterhub.durable import beside, commit
from adapterhub.errors import Corrupt
from adapterhub.protocols.hf_hub.answers import TooLarge
from adapterhub.protocols.xet.shard import Block, read_files
from adapterhub.protocols.xet.xorb import read_chunks
from adapterhub.reference import Name
from adapterhub.server.claims import Claims
from adapterhub.server.ingest.xet_file import open_file
from adapterhub.server.ingest.xet_kept import table, xorb_path
from adapterhub.server.room import Room
from adapterhub.server.settings import Serving
from adapterhub.store.depots import FULL, KEPT, MANY, SHORTEST, Depots, held
from adapterhub.store.locks import shared
from adapterhub.store.session import Session
from adapterhub.store.store import Store

__all__ = ["MOST", "XetIngest"]

MOST = 16
"""Largest files that one shard may make: more than any client packs into one, and far less than it could claim."""


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

    def make(self, sink: BinaryIO, path: Path) -> int:
        """Make every file of a shard that was received a blob, and claim it; how many.

        `Corrupt` where one is not what the shard says: then the depot is over, and the files before it are blobs.
        """
        sink.flush()
        try:
            with path.open("rb") as shard, self.store.session() as session:
                self._check_sizes(shard)
                return sum(self._make(session, path.parent, shard, block) for block in read_files(shard))
        except Corrupt:
            self.depots.retire(self.owner, path.parent.name)
            raise

    def _check_sizes(self, shard: BinaryIO) -> None:
        """Before a byte is made: the shard can be read to its end, claims no more than a server takes, and fits."""
        total = missing = 0
        for block in read_files(shard):
            total += block.size
            missing += 0 if self._knows(block) else block.size
            if block.size > self.serving.largest or total > MOST * self.serving.largest:
                raise TooLarge(
                    f"{block.sha256} has {block.size} bytes, a file here has {self.serving.largest} at most; with "
                    f"those before it {total}, an upload has {MOST} times that at most",
                    hint="`serve --largest` sets how large a file may be",
                )
        self.room.insist(missing)

    def _knows(self, block: Block) -> bool:
        """Whether its sender has sent a file lately, and it is here."""
        return self.claims.holds(self.caller, block.sha256) and self.store.blobs.has(block.sha256)

    def _make(self, session: Session, folder: Path, shard: BinaryIO, block: Block) -> int:
        """A file, whole, unless its sender has sent it lately: a client that did not wait for the answer asks again.

        Whoever else has sent it is of no account: so nobody gets at bytes that he does not have.
        """
        if not self._knows(block):
            self._take(session, folder, shard, block)
        self.claims.add(self.caller, block.sha256)
        with shared(self.store.layout.incoming):
            session.staging.land()
        return 1

    def _take(self, session: Session, folder: Path, shard: BinaryIO, block: Block) -> None:
        with open_file(folder, shard, block) as stream:
            digest, size = session.take(stream, lambda chunk: self.room.insist(len(chunk)))
        if digest != block.sha256:
            raise Corrupt(
                f"a shard says that its chunks make {block.sha256}, they make {digest} ({size} bytes)",
                hint="the upload is damaged, or the file changed meanwhile: upload it again",
            )

"""Blobs out of a shard: each file whole, under the sha256 that the shard claims, as long as it is worth the work."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO, final

from adapterhub.digest import CHUNK
from adapterhub.errors import Corrupt
from adapterhub.protocols.hf_hub.answers import TooLarge
from adapterhub.protocols.xet.shard import Block, read_files
from adapterhub.server.claims import Claims
from adapterhub.server.ingest.body import Broken
from adapterhub.server.ingest.xet_file import open_file
from adapterhub.server.room import Room
from adapterhub.store.depots import held
from adapterhub.store.locks import shared
from adapterhub.store.session import Session
from adapterhub.store.staging import Watch
from adapterhub.store.store import Store

__all__ = ["MOST", "WORTH", "Maker"]

MOST = 16
"""Largest files that one shard may make: more than any client packs into one, and far less than it could claim."""

WORTH = 4
"""Bytes made for each byte of the depot when the client has gone. One that lost its patience comes again and finds its
files; but a few bytes can name gigabytes, and nobody waits for those."""


@final
@dataclass(frozen=True)
class Maker:
    """Makes files for one caller out of what lies in a depot."""

    store: Store
    claims: Claims
    room: Room
    caller: str
    depot: Path

    def check_sizes(self, shard: BinaryIO, largest: int) -> None:
        """Before a byte is made: the shard can be read to its end, claims no more than a server takes, and fits."""
        total = missing = 0
        for block in read_files(shard):
            total += block.size
            missing += 0 if self._knows(block) else block.size
            if block.size > largest or total > MOST * largest:
                raise TooLarge(
                    f"{block.sha256} has {block.size} bytes, a file here has {largest} at most; with those before "
                    f"it {total}, an upload has {MOST} times that at most",
                    hint="`serve --largest` sets how large a file may be",
                )
        self.room.insist(missing)

    def make(self, shard: BinaryIO, gone: Event) -> Iterator[Block]:
        """Every file of a shard, one with each step; `Corrupt` where chunks do not make it.

        `Broken` where the client is `gone`, and what it sent is not worth going on.
        """
        left = WORTH * held(self.depot)[0]

        def watch(chunk: memoryview) -> None:
            nonlocal left
            left -= CHUNK  # even for a small one, which costs a file of its own
            if left < 0 and gone.is_set():
                raise Broken("the client went away while its files were made", hint="send it again")
            self.room.insist(len(chunk))

        with self.store.session() as session:
            for block in read_files(shard):
                # Unless its sender has sent it lately: a client that did not wait for the answer asks again. Whoever
                # else has sent it is of no account: so nobody gets at bytes that he does not have.
                if not self._knows(block):
                    self._take(session, shard, block, watch)
                self.claims.add(self.caller, block.sha256)
                with shared(self.store.layout.incoming):
                    session.staging.land()
                yield block

    def _knows(self, block: Block) -> bool:
        """Whether its sender has sent a file lately, and it is here."""
        return self.claims.holds(self.caller, block.sha256) and self.store.blobs.has(block.sha256)

    def _take(self, session: Session, shard: BinaryIO, block: Block, watch: Watch) -> None:
        with open_file(self.depot, shard, block) as stream:
            digest, size = session.take(stream, watch)
        if digest != block.sha256:
            raise Corrupt(
                f"a shard says that its chunks make {block.sha256}, they make {digest} ({size} bytes)",
                hint="the upload is damaged, or the file changed meanwhile: upload it again",
            )

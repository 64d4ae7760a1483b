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
from adapterhub.store.depots import Depots
from adapterhub.store.locks import shared
from adapterhub.store.session import Session
from adapterhub.store.store import Store

__all__ = ["MOST", "XetIngest"]

MOST = 16
"""Largest files that one shard may make: more than any client packs into one, and far less than it could claim."""


@final
@dataclass(frozen=True)
class XetIngest:
    """What one caller, a token's id, uploads to one repository; `largest` is how many bytes a file may have."""

    store: Store
    claims: Claims
    largest: int
    caller: str
    name: Name

    @property
    def owner(self) -> str:
        """Whose depots these are, in hex digits."""
        return Digest.of(f"{self.caller}\n{self.name}".encode()).hex

    @property
    def depots(self) -> Depots:
        return Depots(self.store.layout.incoming, "xet")

    def begin(self) -> str:
        """The name of the depot that uploads use now; what nobody uses any more is cleaned away."""
        self.depots.clean()
        return self.depots.current(self.owner)

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
        """Before a byte is made: the whole shard can be read, and claims no more than a server takes."""
        total = 0
        for block in read_files(shard):
            total += block.size
            if block.size > self.largest or total > MOST * self.largest:
                raise TooLarge(
                    f"{block.sha256} has {block.size} bytes, a file here has {self.largest} at most; with those before "
                    f"it {total}, an upload has {MOST} times that at most",
                    hint="`serve --largest` sets how large a file may be",
                )

    def _make(self, session: Session, folder: Path, shard: BinaryIO, block: Block) -> int:
        """A file, whole, unless its sender has sent it lately: a client that did not wait for the answer asks again.

        Whoever else has sent it is of no account: so nobody gets at bytes that he does not have.
        """
        known = self.claims.holds(self.caller, block.sha256) and self.store.blobs.has(block.sha256)
        if not known:
            self._take(session, folder, shard, block)
        self.claims.add(self.caller, block.sha256)
        with shared(self.store.layout.incoming):
            session.staging.land()
        return 1

    def _take(self, session: Session, folder: Path, shard: BinaryIO, block: Block) -> None:
        with open_file(folder, shard, block) as stream:
            digest, size = session.take(stream)
        if digest != block.sha256:
            raise Corrupt(
                f"a shard says that its chunks make {block.sha256}, they make {digest} ({size} bytes)",
                hint="the upload is damaged, or the file changed meanwhile: upload it again",
            )

"""A file out of chunks: what a shard says, read from the xorbs of one depot, a chunk at a time."""

import io
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast, final

from adapterhub.errors import Corrupt
from adapterhub.protocols.xet.shard import Block, Term, read_terms
from adapterhub.protocols.xet.xorb import Chunk, unpack
from adapterhub.server.ingest.xet_kept import KeptXorb, xorb_path

__all__ = ["open_file"]

OPEN = 8
"""Xorbs held open at once: a file that shares chunks with others goes to and fro between some."""


def open_file(depot: Path, shard: BinaryIO, block: Block) -> BinaryIO:
    """The bytes of one file of a shard, no more than it claims; reading is `Corrupt` where shard and xorbs disagree."""
    return cast(BinaryIO, _Pieces(_pieces(_Xorbs(depot), read_terms(shard, block))))


def _pieces(xorbs: "_Xorbs", terms: Iterator[Term]) -> Iterator[bytes]:
    try:
        for term in terms:
            xorb = xorbs.open(term.xorb)
            for chunk in _chunks(xorb, term):
                yield unpack(xorb.packed(chunk), chunk)
    finally:
        xorbs.close()


def _chunks(xorb: KeptXorb, term: Term) -> Sequence[Chunk]:
    found = xorb.chunks(term.start, term.end)
    if (size := sum(chunk.size for chunk in found)) != term.size:
        raise Corrupt(
            f"xorb {term.xorb}: chunks {term.start} to {term.end} make {size} bytes, a shard says {term.size}",
            hint="the upload is damaged or was written by something else: upload again",
        )
    return found


@final
class _Xorbs:
    """The xorbs of a depot, the last few of them open."""

    def __init__(self, depot: Path) -> None:
        self.depot = depot
        self._open = OrderedDict[str, KeptXorb]()

    def open(self, name: str) -> KeptXorb:
        if name in self._open:
            self._open.move_to_end(name)
            return self._open[name]
        try:
            xorb = KeptXorb(xorb_path(self.depot, name))
        except FileNotFoundError:
            raise Corrupt(f"xorb {name}: a shard names it, and it was never sent", hint="upload again") from None
        if len(self._open) == OPEN:
            self._open.popitem(last=False)[1].close()
        self._open[name] = xorb
        return xorb

    def close(self) -> None:
        for xorb in self._open.values():
            xorb.close()


@final
class _Pieces(io.RawIOBase):
    """Pieces of bytes as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill all of it: whoever reads does more for each piece than one of a few bytes is worth."""
        at = 0
        while at < len(buffer) and (self._rest or self._go_on()):
            count = min(len(buffer) - at, len(self._rest))
            buffer[at : at + count] = self._rest[:count]
            self._rest = self._rest[count:]
            at += count
        return at

    def _go_on(self) -> bool:
        self._rest = memoryview(next(self._pieces, b""))
        return len(self._rest) > 0

    def close(self) -> None:
        cast(Any, self._pieces).close()
        super().close()

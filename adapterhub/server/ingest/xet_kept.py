"""Xorbs as a depot keeps them: the bytes as they were sent, then where each chunk lies in them, then their count.

So a term of a shard costs what its own chunks cost, however many the xorb has, and whoever sends a shard cannot make a
server count through thousands of headers for each of its terms.
"""

import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import final

from adapterhub.errors import Corrupt
from adapterhub.protocols.xet.xorb import Chunk
from adapterhub.regular import open_regular

__all__ = ["KeptXorb", "table", "xorb_path"]

ROW = struct.Struct("<IIII")
COUNT = struct.Struct("<I")


def xorb_path(depot: Path, xorb: str) -> Path:
    """Where a depot keeps a xorb."""
    return depot / f"{xorb}.xorb"


def table(chunks: Iterable[Chunk]) -> bytes:
    """What is written behind a xorb."""
    rows = [ROW.pack(*chunk) for chunk in chunks]
    return b"".join(rows) + COUNT.pack(len(rows))


@final
class KeptXorb:
    """A kept xorb, open; `FileNotFoundError` where there is none."""

    def __init__(self, path: Path) -> None:
        self._stream = open_regular(path)
        end = self._stream.seek(-COUNT.size, os.SEEK_END)
        (self.count,) = COUNT.unpack(self._stream.read(COUNT.size))
        self._table = end - self.count * ROW.size

    def chunks(self, start: int, end: int) -> Sequence[Chunk]:
        """Some of its chunks; `Corrupt` where it has not that many."""
        if end > self.count:
            raise Corrupt(
                f"wanted chunks {start} to {end} of a xorb that has {self.count}",
                hint="the upload is damaged or was written by something else: upload again",
            )
        self._stream.seek(self._table + start * ROW.size)
        return [Chunk(*row) for row in ROW.iter_unpack(self._stream.read((end - start) * ROW.size))]

    def packed(self, chunk: Chunk) -> bytes:
        """The bytes of a chunk as they were sent."""
        self._stream.seek(chunk.start)
        return self._stream.read(chunk.packed)

    def close(self) -> None:
        self._stream.close()

"""Xorbs: chunks of files one after the other, each packed on its own.

chunk := version (1 byte, 0), packed size (3, little-endian), scheme (1), size (3), then the packed bytes
schemes: 0 as it is; 1 an LZ4 frame; 2 the bytes at 0, 4, 8 …, then those at 1, 5, 9 …, and so on, in an LZ4 frame

Source: https://huggingface.co/docs/xet/xorb. A footer (`XETBLOB`) may follow and says nothing new. Sizes are claims of
whoever wrote them: what is allocated and unpacked never exceeds the limits here.
"""

import io
from typing import BinaryIO, NamedTuple

from adapterhub.errors import AdapterHubError, Corrupt

__all__ = ["LARGEST_CHUNK", "LARGEST_XORB", "MOST_CHUNKS", "Chunk", "read_chunks", "unpack"]

LARGEST_CHUNK = 128 << 10
"""Bytes a chunk may have: twice what the chunking aims at, where it cuts in any case."""

MOST_CHUNKS = 8 << 10
"""Chunks a xorb may have."""

LARGEST_XORB = 65 << 20
"""Bytes a xorb may have: 64 MiB of chunks that cannot be packed, their headers, and a footer."""

FRAME = 64
"""Bytes that packing may add to a chunk, beside one in 128. A frame can hold empty blocks without end, and each of them
costs; what does not get smaller is sent as it is."""

HEADER = 8
FOOTER = b"XETBLOB"
HINT = "the upload is damaged or was written by something else: upload again"


class Chunk(NamedTuple):
    """Where a chunk's packed bytes begin in its xorb, how many they are, how they are packed, and its size."""

    start: int
    packed: int
    scheme: int
    size: int


def read_chunks(xorb: BinaryIO) -> tuple[Chunk, ...]:
    """The chunks of a xorb from its headers alone; `Corrupt` where they do not tell every byte of it."""
    end, at, found = xorb.seek(0, io.SEEK_END), 0, list[Chunk]()
    while at < end:
        xorb.seek(at)
        header = xorb.read(HEADER)
        if header.startswith(FOOTER):
            break
        chunk = _chunk(header, at)
        at = chunk.start + chunk.packed
        if at > end:
            raise _corrupt(f"chunk {len(found)} has {chunk.packed} bytes at {chunk.start}, the xorb ends at {end}")
        found.append(chunk)
        if len(found) > MOST_CHUNKS:
            raise _corrupt(f"more than {MOST_CHUNKS} chunks")
    if not found:
        raise _corrupt("no chunks")
    return tuple(found)


def _chunk(header: bytes, at: int) -> Chunk:
    if len(header) < HEADER or header[0] != 0:
        raise _corrupt(f"wanted a chunk of version 0 at {at}, got {header.hex()}")
    packed, scheme, size = int.from_bytes(header[1:4], "little"), header[4], int.from_bytes(header[5:8], "little")
    if not 0 < size <= LARGEST_CHUNK:
        raise _corrupt(f"the chunk at {at} claims {size} bytes; the limit is {LARGEST_CHUNK}")
    if not 0 < packed <= (most := size + size // 128 + FRAME):
        raise _corrupt(f"the chunk at {at} claims {size} bytes packed into {packed}; the limit is {most}")
    if scheme > 2 or (scheme == 0 and packed != size):
        raise _corrupt(f"the chunk at {at} claims {size} bytes packed into {packed} by scheme {scheme}")
    return Chunk(at + HEADER, packed, scheme, size)


def unpack(packed: bytes, chunk: Chunk) -> bytes:
    """The bytes of a chunk; `Corrupt` unless they are as many as its header claims. More are never made."""
    if len(packed) != chunk.packed:
        raise _corrupt(f"the chunk at {chunk.start} has {len(packed)} bytes, its header claims {chunk.packed}")
    data = packed if chunk.scheme == 0 else _decompress(packed, chunk)
    return _interleave(data) if chunk.scheme == 2 else data


def _decompress(packed: bytes, chunk: Chunk) -> bytes:
    from lz4.frame import LZ4FrameDecompressor

    frame = LZ4FrameDecompressor()
    try:
        data: bytes = frame.decompress(packed, max_length=chunk.size + 1)
    except (RuntimeError, MemoryError) as error:
        raise _corrupt(f"the chunk at {chunk.start} is no LZ4 frame: {error}") from None
    if len(data) != chunk.size or not frame.eof or frame.unused_data:
        raise _corrupt(f"the chunk at {chunk.start} does not unpack to the {chunk.size} bytes its header claims")
    return data


def _interleave(data: bytes) -> bytes:
    """Bytes that were sorted by their place in groups of four, back in their order."""
    whole, at = bytearray(len(data)), 0
    for place in range(4):
        count = len(range(place, len(data), 4))
        whole[place::4] = data[at : at + count]
        at += count
    return bytes(whole)


def _corrupt(message: str) -> AdapterHubError:
    return Corrupt(f"xorb: {message}", hint=HINT)

"""Shards: which chunks of which xorbs make which file.

shard  := tag (32 bytes), version (8, little-endian, 2), size of a footer (8), files, what is known of xorbs
file   := hash (32), flags (4), how many terms (4), 8 unused; its terms; with flag 31 as many hashes of them (48 each);
          with flag 30 its sha256 (32) and 16 unused
term   := hash of a xorb (32), flags (4), bytes they make (4), first chunk (4), the chunk after the last (4)
The files end with one whose hash is all ones. What is known of xorbs is for servers that share chunks between clients.

Source: https://huggingface.co/docs/xet/shard. A shard is read twice and never held: first to see that it is whole, then
term by term.
"""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError, Corrupt
from adapterhub.protocols.xet.hashes import SIZE, spelled
from adapterhub.protocols.xet.xorb import MOST_CHUNKS

__all__ = ["LARGEST_SHARD", "MOST_FILES", "Block", "Term", "read_files", "read_terms"]

LARGEST_SHARD = 64 << 20
"""Bytes a shard may have: what clients aim at."""

MOST_FILES = 16 << 10
"""Files a shard may have."""

SMALLEST = 1 << 10
"""Bytes that all chunks of a file but one have at least, on average: so a file's size bounds what it costs. Clients cut
off nothing below 8 KiB but the end of a file."""

TAG = bytes.fromhex("48465265706f4d6574614461746100556967456a7b815783a5bdd95ccdd14aa9")
HEADER = struct.Struct("<32sQQ")
FILE = struct.Struct("<32sII8x")
TERM = struct.Struct("<32s4xIII")
ROW = 48
"""Bytes of everything in a shard."""

ROWS = 1 << 10
"""Terms read at once."""

HASHES, SHA256 = 1 << 31, 1 << 30
LAST = b"\xff" * SIZE
HINT = "the upload is damaged or was written by something else: upload again"


class Term(NamedTuple):
    """Chunks of one xorb from `start` up to `end`, and how many bytes they make."""

    xorb: str
    size: int
    start: int
    end: int


class Block(NamedTuple):
    """A file of a shard: its sha256 and size, and where its terms begin and how many they are."""

    sha256: Digest
    size: int
    at: int
    terms: int


def read_files(shard: BinaryIO) -> Iterator[Block]:
    """The files of a shard; `Corrupt` where it is none, ends early, or keeps a file's sha256 to itself."""
    at, end, count = HEADER.size, shard.seek(0, io.SEEK_END), 0
    tag, version, _ = HEADER.unpack(_read(shard, 0, HEADER.size))
    if (tag, version) != (TAG, 2):
        raise _corrupt(f"wanted a shard of version 2, got {tag[:16].hex()}… of version {version}")
    while True:
        name, flags, terms = FILE.unpack(_read(shard, at, ROW))
        if name == LAST:
            return
        at, count = at + ROW, count + 1
        if count > MOST_FILES:
            raise _corrupt(f"more than {MOST_FILES} files")
        after = at + ROW * (terms * 2 if flags & HASHES else terms)
        if not flags & SHA256 or after > end:
            raise _corrupt(f"file {spelled(name)} has {terms} terms and flags {flags:#x}; wanted its sha256 after them")
        told = _read(shard, after, ROW)[:SIZE]
        digest = Digest(spelled(told)) if terms or any(told) else Digest.of(b"")  # hf_xet hashes no empty file
        yield Block(digest, _size(shard, at, terms), at, terms)
        at = after + ROW


def read_terms(shard: BinaryIO, block: Block) -> Iterator[Term]:
    """The terms of one file of a shard, in order; others may read the shard meanwhile."""
    return (Term(spelled(xorb), *rest) for xorb, *rest in _terms(shard, block.at, block.terms))


def _size(shard: BinaryIO, at: int, count: int) -> int:
    """The bytes that terms make, which are worth their chunks."""
    made = chunks = 0
    for xorb, size, start, end in _terms(shard, at, count):
        if not 0 <= start < end <= MOST_CHUNKS or size < 1:
            raise _corrupt(f"a term of {size} bytes from chunk {start} to {end} of xorb {spelled(xorb)}")
        made, chunks = made + size, chunks + end - start
    if made < (chunks - 1) * SMALLEST:
        raise _corrupt(f"a file of {made} bytes in {chunks} chunks; they have {SMALLEST} at least, all but the last")
    return made


def _terms(shard: BinaryIO, at: int, count: int) -> Iterator[tuple[bytes, int, int, int]]:
    for left in range(count, 0, -ROWS):
        data = _read(shard, at, min(left, ROWS) * ROW)
        yield from TERM.iter_unpack(data)
        at += len(data)


def _read(shard: BinaryIO, at: int, size: int) -> bytes:
    shard.seek(at)
    if len(data := shard.read(size)) != size:
        raise _corrupt(f"wanted {size} bytes at {at}, got {len(data)}")
    return data


def _corrupt(message: str) -> AdapterHubError:
    return Corrupt(f"shard: {message}", hint=HINT)

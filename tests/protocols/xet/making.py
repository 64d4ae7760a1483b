"""Xorbs and shards made by hand, byte by byte, well or badly."""

import hashlib
import struct
from collections.abc import Sequence

import lz4.frame

from adapterhub.protocols.xet.shard import TAG

LAST = b"\xff" * 32 + bytes(16)

# What hf_xet 1.8 sent for b"poet " * 40: one chunk in an LZ4 frame, and the shard that makes a file of it.
POEM = b"poet " * 40
GOLDEN_NAME = "3fa3ed88cf8436339830af77acd0f3d4eb3726aa043e82e629ac760968ac5057"
GOLDEN_XORB = bytes.fromhex("001f000001c8000004224d18604082100000005f706f6574200500aa6020706f65742000000000")
GOLDEN_SHARD = bytes.fromhex(
    "48465265706f4d6574614461746100556967456a7b815783a5bdd95ccdd14aa902000000000000000000000000000000"
    "8e4c980d5619b3d564680197bcea227dd93e3254c56a30476827d6ee351e1bbc000000c0010000000000000000000000"
    "333684cf88eda33fd4f3d0ac77af3098e6823e04aa2637eb5750ac680976ac2900000000c80000000000000001000000"
    "7e7dcf5e6931ed5c563696006daa5274de666a13194f6153ed88b45c3b3aac6100000000000000000000000000000000"
    "6f363f516e152dc160b12a3b14b4e9423cb55ea0f4f46168b48b7c6c0ba5118b00000000000000000000000000000000"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00000000000000000000000000000000"
    "333684cf88eda33fd4f3d0ac77af3098e6823e04aa2637eb5750ac680976ac290000000001000000c800000000000000"
    "333684cf88eda33fd4f3d0ac77af3098e6823e04aa2637eb5750ac680976ac2900000000c80000000000000000000000"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00000000000000000000000000000000"
)


def turned(hexed: str) -> bytes:
    """The 32 bytes of a hash as Xet writes them."""
    raw = bytes.fromhex(hexed)
    return b"".join(raw[at : at + 8][::-1] for at in range(0, 32, 8))


def header(packed: int, scheme: int, size: int, version: int = 0) -> bytes:
    return bytes([version]) + packed.to_bytes(3, "little") + bytes([scheme]) + size.to_bytes(3, "little")


def chunk(data: bytes, scheme: int = 0) -> bytes:
    """A chunk with its header."""
    grouped = b"".join(data[place::4] for place in range(4)) if scheme == 2 else data
    packed = lz4.frame.compress(grouped) if scheme else data
    return header(len(packed), scheme, len(data)) + packed


def named(name: str) -> str:
    """Some hash for a word."""
    return hashlib.sha256(name.encode()).hexdigest()


def term(xorb: str, size: int, start: int, end: int) -> bytes:
    return turned(xorb) + struct.pack("<IIII", 0, size, start, end)


def file(sha256: str, terms: Sequence[bytes], flags: int = 3 << 30) -> bytes:
    """A file's rows."""
    hashes = b"h" * 48 * len(terms) if flags >> 31 & 1 else b""
    extension = turned(sha256) + bytes(16) if flags >> 30 & 1 else b""
    return turned(named("file")) + struct.pack("<II8x", flags, len(terms)) + b"".join(terms) + hashes + extension


def shard(*files: bytes, version: int = 2, tag: bytes = TAG) -> bytes:
    return tag + struct.pack("<QQ", version, 0) + b"".join(files) + LAST + LAST

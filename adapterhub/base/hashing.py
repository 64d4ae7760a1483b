"""The digests of tensors and of files: every byte read once, in as many threads as there are cores.

Hashing lets other threads run, so it is as fast as the cores hash or the disk reads. Tensors that lie beside each other
are read in one go; the largest pieces come first, so that no thread is left alone with one at the end.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

from adapterhub.base.rounding import ROUNDED, Rounder
from adapterhub.digest import copy_and_hash, new_hash
from adapterhub.errors import Corrupt
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members

__all__ = ["Watch", "file_digests", "fill", "tensor_digests", "threads"]

Watch = Callable[[int], None]
"""Told how many more bytes were read."""

BLOCK = 1 << 18
"""Bytes read at a time: what is hashed, and its rounded copy, stay in a core's own cache."""

PIECE = 32 << 20
"""Bytes of small tensors that one thread reads in one go."""

Place = tuple[str, TensorInfo]


def threads() -> int:
    """How many threads may hash at once: one for each core this process may use."""
    return min(32, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def tensor_digests(members: Members, places: Iterable[Place], watch: Watch | None = None) -> dict[str, dict[str, str]]:
    """By tensor: `sha256` of its bytes, and `bf16`, that of its values rounded to bf16 where that is another type.

    Memory is one block, and the rounded copy of one, for each thread.
    """
    from concurrent.futures import ThreadPoolExecutor

    found: dict[str, dict[str, str]] = {}
    with ThreadPoolExecutor(threads(), "hash") as pool:
        for digests in pool.map(lambda piece: _hash_piece(members, piece, watch), _pieces(places)):
            found |= digests
    return found


def file_digests(members: Members, names: Iterable[str], watch: Watch | None = None) -> dict[str, str]:
    """The sha256 of whole files, by name, as hex."""
    from concurrent.futures import ThreadPoolExecutor

    def one(name: str) -> tuple[str, str]:
        with members.open(name) as stream:
            digest, size = copy_and_hash(stream, watch=(lambda chunk: watch(len(chunk))) if watch else None)
        if size != members.size(name):
            raise Corrupt(
                f"{name}: wanted {members.size(name)} bytes, got {size}", hint="it changes while it is read: try again"
            )
        return name, digest.hex

    with ThreadPoolExecutor(threads(), "hash") as pool:
        return dict(sorted(pool.map(one, sorted(names, key=members.size, reverse=True))))


def _pieces(places: Iterable[Place]) -> list[list[Place]]:
    """Runs of tensors of one file, each of some size or one tensor, the largest first."""
    pieces: list[list[Place]] = []
    for file, info in sorted(places, key=lambda place: (place[0], place[1].start)):
        last = pieces[-1] if pieces else None
        if last and last[0][0] == file and info.end - last[0][1].start <= PIECE:
            last.append((file, info))
        else:
            pieces.append([(file, info)])
    return sorted(pieces, key=lambda piece: piece[0][1].start - piece[-1][1].end)


def _hash_piece(members: Members, piece: list[Place], watch: Watch | None) -> dict[str, dict[str, str]]:
    buffer = memoryview(bytearray(BLOCK))
    rounders = {dtype: Rounder(dtype, BLOCK) for dtype in ROUNDED}
    with members.open(piece[0][0]) as stream:
        return {place[1].name: _hash_tensor(stream, place, buffer, rounders, watch) for place in piece}


def _hash_tensor(
    stream: BinaryIO, place: Place, buffer: memoryview, rounders: Mapping[str, Rounder], watch: Watch | None
) -> dict[str, str]:
    file, info = place
    exact, rounded, rounder, left = new_hash(), new_hash(), rounders.get(info.dtype), info.end - info.start
    stream.seek(info.start)
    while left:
        block = buffer[: min(BLOCK, left)]
        fill(stream, block, f"{file}: ends inside {info.name}")
        exact.update(block)
        if rounder is not None:
            rounded.update(rounder.round(block))
        left -= len(block)
        if watch is not None:
            watch(len(block))
    digests = {"sha256": exact.hexdigest()}
    return {**digests, "bf16": rounded.hexdigest()} if rounder is not None else digests


def fill(stream: BinaryIO, block: memoryview, what: str) -> None:
    """Read exactly so many bytes: values must not be cut in two."""
    at = 0
    while at < len(block):
        count = stream.readinto(block[at:])  # type: ignore[attr-defined]
        if not count:
            raise Corrupt(f"{what}, {len(block) - at} bytes are missing", hint="the file was cut short: fetch it again")
        at += count

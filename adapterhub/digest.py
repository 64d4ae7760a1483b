"""sha256 digests, and the one place that hashes.

digest := "sha256:" 64 hex digits
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from adapterhub.errors import BadReference, Corrupt

__all__ = ["CHUNK", "Digest", "Writer", "copy_and_hash", "new_hash", "verify"]

CHUNK = 1 << 20
"""Bytes read at a time: large enough for full speed, small enough for flat memory."""

new_hash = hashlib.sha256


@dataclass(frozen=True, order=True)
class Digest:
    """The sha256 of some bytes. A `Digest` that exists is well formed.

    >>> str(Digest.of(b"poet"))[:20]
    'sha256:7ccc804f5546a'
    """

    hex: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{64}", self.hex):
            raise BadReference(f"not a sha256 digest: {self.hex!r}", hint="a digest is sha256: and 64 hex digits")

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        return cls(new_hash(data).hexdigest())

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """A digest as it is written, with the `sha256:` in front."""
        if not text.startswith("sha256:"):
            raise BadReference(f"not a sha256 digest: {text!r}", hint="a digest is sha256: and 64 hex digits")
        return cls(text.removeprefix("sha256:"))

    @property
    def short(self) -> str:
        """What people compare: the first twelve digits."""
        return self.hex[:12]

    def __str__(self) -> str:
        return f"sha256:{self.hex}"


class Writer(Protocol):
    """Anything bytes can be written to."""

    def write(self, data: memoryview, /) -> int | None: ...


def copy_and_hash(
    source: BinaryIO, sink: Writer | None = None, watch: Callable[[memoryview], None] | None = None
) -> tuple[Digest, int]:
    """Read a stream to its end and return its digest and length in bytes, writing it to `sink` on the way.

    `watch` is shown every chunk in order; it must not keep the view. Memory stays at one chunk.
    """
    hasher, size, buffer = new_hash(), 0, bytearray(CHUNK)
    view = memoryview(buffer)
    while count := _fill(source, buffer):
        chunk = view[:count]
        hasher.update(chunk)
        if sink is not None:
            sink.write(chunk)
        if watch is not None:
            watch(chunk)
        size += count
    return Digest(hasher.hexdigest()), size


def _fill(source: BinaryIO, buffer: bytearray) -> int:
    """Read the next chunk; an error names the file that was read, not the one that is written meanwhile."""
    try:
        return int(source.readinto(buffer))  # type: ignore[attr-defined]
    except OSError as error:
        if error.filename is None and error.errno is not None and (name := getattr(source, "name", None)):
            error.filename = name
        raise


def verify(data: bytes, expected: Digest, what: str) -> bytes:
    """The same bytes, or `Corrupt`."""
    if (got := Digest.of(data)) != expected:
        raise Corrupt(
            f"{what}: expected {expected}, got {got} after {len(data)} bytes",
            hint="the copy is damaged: `adapterhub check` names what else is; pull it again",
        )
    return data

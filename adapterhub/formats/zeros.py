"""Are these bytes all zero? Asked of the B of an adapter: one that was never trained still has its first zeros."""

from typing import BinaryIO

__all__ = ["all_zero"]

FIRST, CHUNK = 1 << 12, 1 << 20
ZEROS = bytes(CHUNK)


def all_zero(stream: BinaryIO, start: int, end: int) -> bool:
    """Whether the bytes from `start` up to `end` are all zero; no bytes are.

    Reads little before it reads much: a trained factor is told by its first page.

    >>> import io
    >>> all_zero(io.BytesIO(bytes(9) + b"x"), 0, 9)
    True
    """
    stream.seek(start)
    step = FIRST
    while start < end:
        chunk = stream.read(min(step, end - start))
        if not chunk or chunk != ZEROS[: len(chunk)]:
            return False
        start += len(chunk)
        step = CHUNK
    return True

"""What a server's allocator keeps: the pieces that many clients send and take are given back when they are done.

glibc keeps large blocks for the next one that fits, in an arena for every few threads: under 64 pulls and 16 pushes a
server's private memory grew for two minutes, to 205 MB. So it stays below 130 (benchmarks/serving.md).
Source: mallopt(3), the GNU C library.
"""

import ctypes
import os

__all__ = ["LARGE", "give_back"]

LARGE = 1 << 20
"""Bytes of a block that is the system's own again when it is freed: a piece that is sent is smaller, one that comes in
is larger."""

SPARE = 16 << 20
"""Bytes at an arena's end that are kept: given back after each piece, they would be asked for again with the next."""

ARENAS = 2
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""malloc.h of glibc."""

MINE = ("MALLOC_", "GLIBC_TUNABLES")
"""What begins so in the environment says how whoever runs the server wants it."""


def give_back() -> bool:
    """Bind the allocator of this process; False where it is another one, or somebody has bound it himself."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt") or any(name.startswith(MINE) for name in os.environ):
        return False
    bounds = {M_ARENA_MAX: ARENAS, M_MMAP_THRESHOLD: LARGE, M_TRIM_THRESHOLD: SPARE}
    return all(libc.mallopt(*bound) for bound in bounds.items())

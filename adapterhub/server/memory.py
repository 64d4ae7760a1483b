"""What a server's allocator keeps: the pieces that many clients send and take are given back when they are done.

glibc keeps large blocks for the next one that fits, in an arena for every few threads: under 64 pulls and 16 pushes a
server grew for two minutes, to 205 MB; so it stays at 125 after ten seconds (benchmarks/serving.md).
Source: mallopt(3), the GNU C library.
"""

import ctypes
import os

__all__ = ["LARGE", "give_back"]

LARGE = 512 << 10
"""Bytes of a block that is the system's own again when it is freed: a piece that is sent is smaller, one that comes in
is larger."""

ARENAS = 2
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""malloc.h of glibc."""

MINE = ("MALLOC_", "GLIBC_TUNABLES")
"""What begins so in the environment says how whoever runs the server wants it."""


def give_back() -> bool:
    """Bind the allocator of this process; False where it is another one, or somebody has bound it himself."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt") or any(name.startswith(MINE) for name in os.environ):
        return False
    return bool(libc.mallopt(M_ARENA_MAX, ARENAS) and libc.mallopt(M_MMAP_THRESHOLD, LARGE))

"""Regular files, opened and read so that nothing in their place can hang or fill whoever reads.

In a folder that others share, a pipe never ends its first read and a link to a device never ends at all. So a file is
opened without waiting, looked at through its handle, and read no further than any honest one goes.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from adapterhub.errors import Corrupt
from adapterhub.system import naming

__all__ = ["LARGEST", "open_handle", "open_regular", "read_regular"]

LARGEST = 64 << 20
"""Bytes a document (a manifest, a note, a base card) may have."""

PIECE = 1 << 20

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
ODD = {
    errno.ENXIO: "a socket or a device",
    errno.ENODEV: "a device",
    errno.ELOOP: "a link that leads in a circle",
    errno.EISDIR: "a folder",
}
"""What opening says of what is no file, before it can be looked at."""


def open_handle(path: Path, flags: int = os.O_RDONLY) -> int:
    """A handle of a regular file; `Corrupt` where something else is in its place, `FileNotFoundError` where nothing."""
    try:
        handle = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY, 0o666)
    except FileNotFoundError:
        if path.is_symlink():
            raise _odd(path, "a link that leads nowhere") from None
        raise
    except OSError as error:
        if error.errno in ODD:
            raise _odd(path, ODD[error.errno]) from None
        raise
    kind = stat.S_IFMT(os.fstat(handle).st_mode)
    if kind != stat.S_IFREG:
        os.close(handle)
        raise _odd(path, KINDS.get(kind, "something else"))
    return handle


def _odd(path: Path, what: str) -> Corrupt:
    return Corrupt(
        f"{path}: {what}, where a file should be",
        hint="move it away; what lies in a store `adapterhub check --repair` sets aside",
    )


def open_regular(path: Path) -> BinaryIO:
    """A seekable stream of a regular file's bytes; errors as `open_handle`."""
    return open(path, "rb", opener=lambda _, __: open_handle(path))


def read_regular(path: Path, largest: int = LARGEST) -> bytes:
    """All bytes of a regular file of at most so many; `Corrupt` where it has more, else errors as `open_handle`."""
    handle, data = open_handle(path), bytearray()
    try:
        with naming(path):
            while len(data) <= largest and (piece := os.read(handle, min(PIECE, largest + 1 - len(data)))):
                data += piece
    finally:
        os.close(handle)
    if len(data) > largest:
        raise Corrupt(
            f"{path}: more than {largest} bytes, no such file is that large",
            hint="`adapterhub check` tells what else is damaged, `adapterhub check --repair` sets it aside",
        )
    return bytes(data)

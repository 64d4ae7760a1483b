"""What the operating system refuses, as one of our errors: which file, what the system says, and what to do next."""

import contextlib
import errno
import os
from collections.abc import Iterator

from adapterhub.errors import AdapterHubError, Conflict, Corrupt, NotFound, Refused, Unreachable, WrongUsage

__all__ = ["from_system", "naming"]

MINE = "ask its owner for the right to, or work on a store of your own with --store"
ROOM = "make room, then run the command again: what was written so far is kept or cleared away"
LIMIT = "raise the limit, for example with `ulimit -n 4096`, then run the command again"
MOUNT = "is the disk mounted? Then run the command again"
DISK = "the disk cannot do what a store needs: links, locks and renames; give a place on another disk"
SERVER = "is the server or the mounted disk there, the address right? Try again later"
UNKNOWN = "is the path right, the disk well? With --debug the traceback tells where it happened"

SYSTEM: dict[int, tuple[type[AdapterHubError], str]] = {
    errno.ENOENT: (NotFound, "is the path right? Or did somebody else move it meanwhile?"),
    errno.ENOTDIR: (NotFound, "a part of the path is a file, where a folder is wanted"),
    errno.ENODEV: (NotFound, MOUNT),
    errno.ENXIO: (NotFound, MOUNT),
    errno.EACCES: (Refused, MINE),
    errno.EPERM: (Refused, MINE),
    errno.EROFS: (Refused, "the disk can only be read: give another place"),
    errno.ENOSPC: (Refused, ROOM),
    errno.EDQUOT: (Refused, ROOM),
    errno.EFBIG: (Refused, "a limit (see `ulimit -f`) or the disk takes no file this large: raise it, or take another"),
    errno.EMFILE: (Refused, LIMIT),
    errno.ENFILE: (Refused, LIMIT),
    errno.ENOMEM: (Refused, "the machine is out of memory: end other programs, then run the command again"),
    errno.EBUSY: (Refused, "something else uses it: wait until that is done, then run the command again"),
    errno.EISDIR: (Refused, "a folder lies where a file is wanted: move it, or give another place"),
    errno.ENOTEMPTY: (Refused, "the folder holds something: empty it, or give another place"),
    errno.EMLINK: (Refused, DISK),
    errno.EXDEV: (Refused, DISK),
    errno.ENOLCK: (Refused, DISK),
    errno.ENOSYS: (Refused, DISK),
    errno.EOPNOTSUPP: (Refused, DISK),
    errno.EEXIST: (Conflict, "something has this name already: move it, or give another place"),
    errno.ENAMETOOLONG: (WrongUsage, "give a shorter path or name"),
    errno.ELOOP: (WrongUsage, "links that lead in a circle: give the path of the folder itself"),
    errno.EIO: (Corrupt, "the disk cannot read or write this: look after it, then run `adapterhub check`"),
    errno.ESTALE: (Unreachable, SERVER),
    errno.ENOTCONN: (Unreachable, SERVER),
    errno.ECONNREFUSED: (Unreachable, SERVER),
    errno.ECONNRESET: (Unreachable, SERVER),
    errno.EHOSTUNREACH: (Unreachable, SERVER),
    errno.ENETUNREACH: (Unreachable, SERVER),
    errno.ETIMEDOUT: (Unreachable, SERVER),
}


def from_system(error: OSError) -> AdapterHubError:
    """The same as an error of ours: its kind, the file where the system names one, and what to do next.

    >>> from_system(FileNotFoundError(2, "No such file or directory", "./run"))
    NotFound('./run: No such file or directory')
    """
    silent = isinstance(error, (TimeoutError, ConnectionError))
    kind, hint = SYSTEM.get(error.errno or 0, (Unreachable, SERVER) if silent else (Refused, UNKNOWN))
    named = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))]
    return kind(
        f"{' → '.join(named) or 'the system'}: {error.strerror or str(error) or type(error).__name__}", hint=hint
    )


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Where reading or writing fails inside, the error names this file: the system tells only that of an `open`."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:  # what is words alone has no place for a name
            error.filename = os.fspath(path)
        raise

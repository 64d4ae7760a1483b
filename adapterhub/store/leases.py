"""Leases: what writers are about to name, so that a sweep leaves it alone.

A lease is a file that lists digests, one a line, written before the writer looks whether a blob is there. It lives as
long as its writer, who holds a lock on it, however long he or the machine sleeps; and `TTL` seconds longer than it was
renewed, whatever happened to the writer. The kernel frees the lock when he dies: so others know at once that what he
staged is nobody's.
"""

import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.durable import make_folder
from adapterhub.errors import Corrupt
from adapterhub.regular import open_regular, read_regular
from adapterhub.store.clock import clock_of
from adapterhub.system import naming

__all__ = ["TTL", "Lease", "is_held", "is_over", "leased"]

TTL = 600.0
"""Seconds a lease outlives its last renewal."""

RENEW = 30.0

AHEAD = 24 * 3600.0
"""Seconds that the clock of whoever touched a file may have been ahead of ours."""


def is_over(changed: float, life: float, where: Path) -> bool:
    """Whether what lives so many seconds after its last change has ended; what was changed the day after tomorrow has:
    that was a clock's fault, and would keep it for as long as the clock was ahead. Whether it was, and ours is not
    behind, is for the clock of the folder to say."""
    age = time.time() - changed
    return age > life or (age < -AHEAD and changed - clock_of(where) > AHEAD)


@final
class Lease:
    """One writer's promise; a context manager that takes it back at the end."""

    def __init__(self, incoming: Path, kind: str = "") -> None:
        make_folder(incoming)
        self.path = incoming / f"{secrets.token_hex(8)}{kind}.lease"
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        self._renewed = time.monotonic()

    @property
    def owner(self) -> str:
        """The name of this stay."""
        return self.path.stem

    def add(self, digest: Digest) -> None:
        """Claim a blob, whether it is there already or not."""
        with naming(self.path):
            os.write(self._handle, f"{digest.hex}\n".encode())

    def renew(self, _: object = None) -> None:
        """Keep the lease alive; cheap enough to be called for every chunk."""
        if time.monotonic() - self._renewed > RENEW:
            os.utime(self._handle)
            self._renewed = time.monotonic()

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)
        self.path.unlink(missing_ok=True)


def is_held(incoming: Path, owner: str) -> bool:
    """Whether the writer of a lease lives and has not taken it back."""
    try:
        with open_regular(incoming / f"{owner}.lease") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, Corrupt):  # whatever is no file is no lease
        return False
    except BlockingIOError:
        return True
    return False


def leased(incoming: Path) -> set[str]:
    """The hex digests that living leases claim; leases that are over are deleted.

    `Corrupt` where one cannot be read: then nobody knows what it claims.
    """
    claimed: set[str] = set()
    for path in incoming.glob("*.lease"):
        try:
            if is_over(path.stat().st_mtime, TTL, incoming) and not is_held(incoming, path.stem):
                path.unlink()
            else:
                claimed.update(read_regular(path).decode(errors="replace").split())
        except FileNotFoundError:
            continue
    return claimed

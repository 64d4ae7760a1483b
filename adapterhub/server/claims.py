"""Uploaded and not yet named in a commit: leased, so that a sweep leaves it, and remembered as its sender's.

incoming/claims/<token's id>/<hex>    an empty file, as old as the claim; a server that starts again knows it

Whoever knows a digest must not get at its bytes by that: a commit may name a blob if its sender uploaded it to this
store, if the repository has it already, or if he may read everything here. What no server looks after stays until one
starts again, and hinders no sweep.
"""

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.durable import make_folder
from adapterhub.store.layout import Layout
from adapterhub.store.leases import Lease
from adapterhub.store.locks import shared
from adapterhub.store.staging import Staging

__all__ = ["KEPT", "Claims"]

KEPT = 24 * 3600.0
"""Seconds between an upload and the commit that names it."""

CLAIMS = "*/" + "[0-9a-f]" * 64

TURN = 3600.0
"""Seconds after which a new lease is begun: one ends as a whole."""


@final
class Claims:
    """Uploaded blobs, by the token that sent them. Any thread may call; `renew` must be called at the start, and every
    minute or so."""

    def __init__(self, layout: Layout) -> None:
        self._layout, self._folder = layout, layout.incoming / "claims"
        self._lock = threading.Lock()
        self._leases: list[tuple[float, Lease]] = []
        self._taken_up = False

    def add(self, owner: str, digest: Digest) -> str:
        """Claim a blob for whoever uploads it, before it lies under blobs/; the name of the lease."""
        with self._lock:
            lease = self._lease()
            lease.add(digest)
        path = self._folder / owner / digest.hex
        make_folder(path.parent)
        path.touch()
        return lease.owner

    def holds(self, owner: str, digest: Digest) -> bool:
        """Whether this token has uploaded the blob to this store lately."""
        return _is_young(self._folder / owner / digest.hex)

    def land(self, owner: str, digest: Digest, path: Path) -> None:
        """Claim a file of incoming/ that is whole, verified and durable, and put it under blobs/."""
        staging = Staging(self._layout, self.add(owner, digest))
        with shared(self._layout.incoming):
            staging.keep(digest, path)
            staging.land()

    def renew(self) -> None:
        """Keep the leases alive, and end those whose time is over; the first time, lease what was claimed before."""
        with self._lock:
            if not self._taken_up:
                self._take_up()
            end = time.monotonic() - KEPT
            for begun, lease in self._leases:
                if begun + TURN < end:
                    lease.__exit__()
                else:
                    lease.renew()
            living = [item for item in self._leases if item[0] + TURN >= end]
            if living != self._leases:
                self._leases = living
                self._forget()

    def _take_up(self) -> None:
        self._forget()
        for path in self._folder.glob(CLAIMS):
            self._lease().add(Digest(path.name))
        self._taken_up = True

    def _forget(self) -> None:
        """Delete the claims whose time is over."""
        for path in self._folder.glob(CLAIMS):
            with suppress(OSError):  # what is no file of ours hinders nobody
                if not _is_young(path):
                    path.unlink()

    def _lease(self) -> Lease:
        if not self._leases or self._leases[-1][0] + TURN < time.monotonic():
            self._leases.append((time.monotonic(), Lease(self._layout.incoming, ".server")))
        return self._leases[-1][1]


def _is_young(claim: Path) -> bool:
    try:
        return abs(time.time() - claim.stat().st_mtime) < KEPT  # one from tomorrow is a clock's fault, and ends too
    except FileNotFoundError:
        return False

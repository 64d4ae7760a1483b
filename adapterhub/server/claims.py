"""Uploaded and not yet named in a commit: leased, so that a sweep leaves it, and remembered as its sender's.

Whoever knows a digest must not get at its bytes by that: a commit may name a blob if its sender uploaded it to this
server, if the repository has it already, or if he may read everything here.
"""

import threading
import time
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.store.layout import Layout
from adapterhub.store.leases import Lease
from adapterhub.store.locks import shared
from adapterhub.store.staging import Staging

__all__ = ["KEPT", "Claims"]

KEPT = 24 * 3600.0
"""Seconds between an upload and the commit that names it."""

TURN = 3600.0
"""Seconds after which a new lease is begun: one ends as a whole."""


@final
class Claims:
    """Uploaded blobs, by the token that sent them. Any thread may call; `renew` must be called every minute or so."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.Lock()
        self._leases: list[tuple[float, Lease]] = []
        self._held: dict[tuple[str, str], float] = {}

    def add(self, owner: str, digest: Digest) -> str:
        """Claim a blob for whoever uploads it, before it lies under blobs/; the name of the lease."""
        with self._lock:
            lease = self._lease()
            lease.add(digest)
            self._held[owner, digest.hex] = time.monotonic()
            return lease.owner

    def holds(self, owner: str, digest: Digest) -> bool:
        """Whether this token has uploaded the blob to this server lately."""
        with self._lock:
            return (owner, digest.hex) in self._held

    def land(self, owner: str, digest: Digest, path: Path) -> None:
        """Claim a file of incoming/ that is whole, verified and durable, and put it under blobs/."""
        staging = Staging(self._layout, self.add(owner, digest))
        with shared(self._layout.incoming):
            staging.keep(digest, path)
            staging.land()

    def renew(self) -> None:
        """Keep the leases alive, and end those whose time is over."""
        with self._lock:
            end = time.monotonic() - KEPT
            for begun, lease in self._leases:
                if begun + TURN < end:
                    lease.__exit__()
                else:
                    lease.renew()
            self._leases = [item for item in self._leases if item[0] + TURN >= end]
            self._held = {key: at for key, at in self._held.items() if at >= end}

    def _lease(self) -> Lease:
        if not self._leases or self._leases[-1][0] + TURN < time.monotonic():
            self._leases.append((time.monotonic(), Lease(self._layout.incoming, ".server")))
        return self._leases[-1][1]

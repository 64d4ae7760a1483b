"""One writer's stay in a store: a lease, the blobs on their way in, and the one step that names an entry.

At every moment and after every crash: a name points at a whole manifest, a manifest at whole files. So files first, the
manifest next, what is said about it, the event, and the name last.
"""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, final

from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import Conflict
from adapterhub.manifest import File
from adapterhub.reference import Reference
from adapterhub.registry import Published
from adapterhub.store.leases import Lease
from adapterhub.store.locks import shared
from adapterhub.store.staging import Staging, Watch

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["STREAMS", "Session"]

STREAMS = 4
"""Files fetched at once: enough to keep a network or two disks busy."""

TRIES = 100


@final
class Session:
    """A context manager; what was taken but not published is dropped at its end."""

    def __init__(self, store: "Store") -> None:
        self.store = store
        self.lease = Lease(store.layout.incoming)
        self.staging = Staging(store.layout)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.staging.drop()
        self.lease.__exit__()

    def take(self, stream: BinaryIO, watch: Watch | None = None) -> tuple[Digest, int]:
        """Read a file whose digest is not known yet, in one pass."""

        def both(chunk: memoryview) -> None:
            self.lease.renew()
            if watch is not None:
                watch(chunk)

        return self.staging.take(stream, both)

    def publish(self, entry: Entry, reference: Reference) -> Published:
        """See `Registry.publish`."""
        # Asked before anything is fetched, so that a taken label costs nothing and leaves nothing.
        self.store.names.label_for(reference, entry.digest)
        for digest in {entry.digest, *(file.blob for file in entry.manifest.files)}:
            self.lease.add(digest)
        received = 0
        for _ in range(TRIES):
            received += self._fetch_missing(entry)
            with shared(self.store.layout.incoming):
                self.staging.land()
                if not self._missing(entry):
                    done = self._name(entry, reference)
                    return Published(done, entry.digest, received)
        raise Conflict(
            f"{reference}: its blobs vanished {TRIES} times while they were written",
            hint="something other than `adapterhub sweep` deletes files below blobs/: stop it, then try again",
        )

    def _missing(self, entry: Entry) -> list[File]:
        data = entry.manifest.to_bytes()
        manifest = File(path="manifest.json", size=len(data), sha256=entry.digest.hex)
        # The manifest last: one that is there promises that its files are.
        files = {file.blob: file for file in (*entry.manifest.files, manifest)}
        return [
            file
            for digest, file in files.items()
            if digest not in self.staging.arrived and not self.store.blobs.has(digest)
        ]

    def _fetch_missing(self, entry: Entry) -> int:
        missing = self._missing(entry)
        if not missing:
            return 0
        with ThreadPoolExecutor(min(STREAMS, len(missing))) as pool:
            return sum(pool.map(lambda file: self._fetch(entry, file), missing))

    def _fetch(self, entry: Entry, file: File) -> int:
        if file.blob == entry.digest:
            return self.staging.fetch(file, lambda start: io.BytesIO(entry.manifest.to_bytes()[start:]))
        return self.staging.fetch(file, lambda start: entry.files.open(file, start), self.lease.renew)

    def _name(self, entry: Entry, reference: Reference) -> Reference:
        store, name, digest = self.store, reference.name, entry.digest
        for card in entry.cards:
            store.put_card(card)
        fresh = store.notes.add(entry.notes)
        for _ in range(TRIES):
            label = store.names.label_for(reference, digest)
            named = name.at(label)
            if store.names.version(name, label):
                if fresh:
                    store.events.write("note", str(named), digest=str(digest), by=store.user)
                return named
            event = store.events.write("publish", str(named), digest=str(digest), by=store.user)
            try:
                store.names.point(name, label, digest, store.user)
            except Conflict:
                event.unlink(missing_ok=True)
                if reference.pin is not None and not reference.is_digest:
                    raise
            else:
                return named
        raise Conflict(f"{reference}: {TRIES} other writers were faster", hint="try again")

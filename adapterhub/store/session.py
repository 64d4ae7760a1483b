"""One writer's stay in a store: a lease, the blobs on their way in, and the one step that names an entry.

At every moment and after every crash: a name points at a whole manifest, a manifest at whole files. So files first, the
manifest next, what is said about it, the event, and the name last.
"""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, TypeVar, final

from adapterhub.digest import Digest
from adapterhub.durable import sync_folder
from adapterhub.entry import Entry
from adapterhub.errors import Conflict, Corrupt
from adapterhub.manifest import File
from adapterhub.reference import Reference
from adapterhub.registry import Published
from adapterhub.store.leases import Lease
from adapterhub.store.locks import shared
from adapterhub.store.naming import TRIES, name_entry
from adapterhub.store.staging import Staging, Watch

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["STREAMS", "Session", "several"]

STREAMS = 4
"""Files fetched at once: enough to keep a network or two disks busy."""

FEW = 1 << 20
"""Bytes below which threads cost more than they save."""

PATIENCE = 1.0
"""Seconds that what runs has to end in."""

T = TypeVar("T")
R = TypeVar("R")


def several(step: Callable[[T], R], items: Sequence[T], size: int, halt: Callable[[], None]) -> list[R]:
    """The step's answers for all items, several at once where `size`, their bytes in all, is worth it.

    Where one fails, whichever it is, or somebody interrupts, no other begins, `halt` ends those that run, and they are
    waited for a little: one that waits for a server itself is left behind.
    """
    if size <= FEW or len(items) == 1:
        return [step(item) for item in items]
    pool = ThreadPoolExecutor(STREAMS)
    steps = [pool.submit(step, item) for item in items]
    try:
        ended, _ = wait(steps, return_when=FIRST_EXCEPTION)
        return [one.result() for one in steps if one in ended]  # all of them, unless one raises
    except BaseException:
        halt()
        pool.shutdown(wait=False, cancel_futures=True)
        wait([one for one in steps if not one.cancelled()], PATIENCE)
        raise
    finally:
        pool.shutdown(wait=False)


@final
class Session:
    """A context manager; what was taken but not published is dropped at its end, what was fetched waits to go on."""

    def __init__(self, store: "Store") -> None:
        self.store = store
        self.lease = Lease(store.layout.incoming)
        self.staging = Staging(store.layout, self.lease.owner)
        self.halted = Event()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.staging.drop()
        self.lease.__exit__()

    def take(self, stream: BinaryIO, watch: Watch | None = None) -> tuple[Digest, int]:
        """Read a file whose digest is not known yet, in one pass."""

        def both(chunk: memoryview) -> None:
            self._go_on()
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
                    self._settle(entry)
                    return Published(self._name(entry, reference), entry.digest, received)
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
        size = sum(file.size for file in missing)
        return sum(several(lambda file: self._fetch(entry, file), missing, size, self.halted.set))

    def _fetch(self, entry: Entry, file: File) -> int:
        if file.blob == entry.digest:
            return self.staging.fetch(file, lambda start: io.BytesIO(entry.manifest.to_bytes()[start:]))
        return self.staging.fetch(file, lambda start: entry.files.open(file, start), self._go_on)

    def _go_on(self, _: object = None) -> None:
        """Asked for every chunk: keeps the lease alive, and ends what is to be halted."""
        if self.halted.is_set():
            raise CancelledError
        self.lease.renew()

    def _settle(self, entry: Entry) -> None:
        """Make the names of blobs durable that somebody else put there: he may have died, or not come to it yet."""
        blobs = {entry.digest, *(file.blob for file in entry.manifest.files)} - self.staging.landed
        for folder in {self.store.layout.blob(digest).parent for digest in blobs}:
            sync_folder(folder)

    def _check_sizes(self, entry: Entry) -> None:
        """`Corrupt` where the manifest lies about a blob that was here before it."""
        for file in entry.manifest.files:
            if (size := self.store.layout.blob(file.blob).stat().st_size) != file.size:
                raise Corrupt(
                    f"{file.path}: the manifest says {file.size} bytes, {file.blob} has {size}",
                    hint="`adapterhub check` tells whether the blob is whole; if so, the manifest lies: add the files",
                )

    def _name(self, entry: Entry, reference: Reference) -> Reference:
        self._check_sizes(entry)
        for card in entry.cards:
            self.store.put_card(card)
        store = self.store.under(reference.name)
        store.notes.begin(entry.digest)
        return name_entry(store, entry, reference)

"""Reading all adapters once, aside: the index of a large store, and what the audit needs of each, take minutes."""

from contextlib import suppress
from threading import Lock, Thread
from typing import Literal, final

from adapterhub.server.log import tell
from adapterhub.store.index.file import stamp
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.matrix import known_adapters

__all__ = ["Warming", "Warmth"]

PATIENCE = 2.0
"""Seconds that a page waits for what it tells of."""

MANY = 1000
"""Events of a store that is large."""

Warmth = Literal["reading", "read", "failed"]
"""Whether adapters are being read, all that can be read was, or the reading came to a bad end."""


@final
class Warming:
    """Reads what is not read yet, in a thread that ends with the process; who asks meanwhile is told that it does."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = Lock()
        self._reading: Thread | None = None
        self._failed = False
        self._read_at = b""

    def begin(self) -> None:
        """Before anybody asks, where it would take long."""
        with suppress(OSError):
            if len(self._desk.store.events.listing().names) > MANY:
                self._begin()

    def state(self) -> Warmth:
        """What was not read yet is read, or begun; nothing is where it found nothing to read the last time."""
        if self._read_at and self._read_at == stamp(self._desk.store.layout.index):
            return "read"
        reading = self._begin()
        reading.join(PATIENCE)
        return "reading" if reading.is_alive() else "failed" if self._failed else "read"

    def _begin(self) -> Thread:
        with self._lock:
            if self._reading is None or not self._reading.is_alive():
                self._reading = Thread(target=self._read, daemon=True)
                self._reading.start()
            return self._reading

    def _read(self) -> None:
        index = self._desk.store.layout.index
        before = stamp(index)
        try:
            known_adapters(self._desk)
            self._read_at, self._failed = (before if before == stamp(index) else b""), False
        except Exception as error:  # nobody waits for this thread: pages say what is missing
            self._failed = True
            tell("warm", fault=f"{type(error).__name__}: {error}")

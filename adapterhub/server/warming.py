"""Reading all adapters once, aside: the index of a large store, and what the audit needs of each, take minutes."""

from threading import Lock, Thread
from typing import final

from adapterhub.server.log import tell
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_list import is_large
from adapterhub.verbs.matrix import known_adapters

__all__ = ["Warming"]

PATIENCE = 2.0
"""Seconds that a page waits for what it tells of."""


@final
class Warming:
    """Reads what is not read yet, in a thread that ends with the process; who asks meanwhile is told that it does."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = Lock()
        self._reading: Thread | None = None

    def begin(self) -> None:
        """Before anybody asks, where it would take long."""
        if is_large(self._desk):
            self._begun()

    def done(self) -> bool:
        """Whether everything that can be read was read just now; it goes on where that takes longer."""
        reading = self._begun()
        reading.join(PATIENCE)
        return not reading.is_alive()

    def _begun(self) -> Thread:
        with self._lock:
            if self._reading is None or not self._reading.is_alive():
                self._reading = Thread(target=self._read, daemon=True)
                self._reading.start()
            return self._reading

    def _read(self) -> None:
        try:
            known_adapters(self._desk)
        except Exception as error:  # nobody waits for this thread: pages say what is missing
            tell("warm", fault=f"{type(error).__name__}: {error}")

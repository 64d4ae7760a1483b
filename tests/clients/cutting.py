"""A line to a server that breaks once, and counts what went over it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

Way = Literal["up", "down"]
PIECE = 1 << 16


@dataclass
class Line:
    """Bytes that went `up` to the server and `down` to its clients; it breaks once, `after` so many of one way."""

    server: str
    way: Way = "down"
    after: int = 0
    up: int = 0
    down: int = 0
    cuts: int = 0
    url: str = ""

    def pump(self, source: socket.socket, to: socket.socket, way: Way) -> None:
        """Carry bytes one way until either end is done, or the line breaks."""
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                setattr(self, way, getattr(self, way) + len(piece))
                if way == self.way and self.after and getattr(self, way) >= self.after:
                    self.after, self.cuts = 0, self.cuts + 1
                    break
                to.sendall(piece)
        for end in (source, to):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def carry(self, client: socket.socket) -> None:
        """One connection, until it ends."""
        there = urlsplit(self.server)
        with client, socket.create_connection((there.hostname, there.port)) as server:
            up = threading.Thread(target=self.pump, args=(client, server, "up"))
            up.start()
            self.pump(server, client, "down")
            up.join()


@contextlib.contextmanager
def line(server: str, way: Way, after: int) -> Iterator[Line]:
    """A line to a server, with an address of its own."""
    found = Line(server, way, after)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found.url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    threading.Thread(target=found.carry, args=(client,), daemon=True).start()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)

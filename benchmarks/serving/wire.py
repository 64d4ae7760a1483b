"""A client that costs little: one connection that stays open, bytes into a buffer that is used again."""

import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

__all__ = ["Client", "Failed"]

PIECE = 1 << 20
WAIT = 3600


class Failed(Exception):
    """An answer that is none of those that were wanted."""


class Client:
    """Requests to one server, one after the other. A URL in place of a path may be one of the same server's."""

    def __init__(self, url: str, token: str = "") -> None:
        at = urlsplit(url)
        assert at.hostname
        self._connection = http.client.HTTPConnection(at.hostname, at.port, timeout=WAIT)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._buffer = memoryview(bytearray(PIECE))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        signed: bool = False,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """The answer and its body; `Failed` where its status is no success. A `signed` path needs no token."""
        answer = self._send(method, path, body, {**({} if signed else self._headers), **(headers or {})})
        return answer, answer.read()

    def json(self, method: str, path: str, said: object = None) -> Any:
        """The same in JSON."""
        body = None if said is None else json.dumps(said).encode()
        return json.loads(self.ask(method, path, body, {"Content-Type": "application/json"})[1] or "null")

    def take(self, path: str, sink: Callable[[memoryview], object]) -> int:
        """Fetch a file, piece by piece; how many bytes came."""
        answer, size = self._send("GET", path, None, self._headers), 0
        while count := answer.readinto(self._buffer):
            sink(self._buffer[:count])
            size += count
        return size

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        at = urlsplit(path)
        query = f"?{at.query}" if at.query else ""
        self._connection.request(method, at.path + query, body, headers)
        answer = self._connection.getresponse()
        if not 200 <= answer.status < 300:
            raise Failed(f"{method} {at.path}: {answer.status} {answer.read(300).decode(errors='replace')}")
        return answer

"""What one client may cost: bytes of a body, seconds of silence, a connection that never asks.

A body that says it is too large is refused before its first byte, one that lies when it becomes too large. Whoever
sends or takes nothing for a while, or drips, is let go.
"""

import asyncio
import contextlib
import re
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from adapterhub.protocols.hf_hub.answers import Answered, TooLarge
from adapterhub.server.errors import answer
from adapterhub.server.settings import Serving

__all__ = ["Limits", "Protocol", "TooSlow"]

SMALL = 8 << 20
"""Bytes a question may have."""

COMMIT = 256 << 20
"""Bytes a commit may have: its small files travel in it, four thirds of their size."""

XORB = 80 << 20
"""Bytes an upload of chunks or of a shard may have: the format says 64 MiB."""

SIZES = (
    (re.compile(r"/api/[a-z]+/[^/]+/[^/]+/commit/"), COMMIT),
    (re.compile(r"/(cas|xet)/"), XORB),
)
FILES = re.compile(r"\.git/info/lfs/objects/[0-9a-f]{64}(/parts/[0-9]+)?$")

LINGER, SECONDS = 64 << 20, 3.0
"""Bytes and seconds of a refused body that are still taken, so that its sender comes to read why."""


class TooSlow(Answered):
    """The client sent nothing for too long, or too little."""

    status = 408


def largest(path: str, serving: Serving) -> int:
    """Bytes the body of a request may have; a file's own route knows more exactly."""
    if FILES.search(path):
        return serving.largest
    return next((size for pattern, size in SIZES if pattern.match(path)), SMALL)


class Limits:
    """The ASGI app inside, whose bodies come in time and within bounds."""

    def __init__(self, app: Any, serving: Serving) -> None:
        self.app, self.serving = app, serving

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = largest(scope["path"], self.serving)
        length = _length(scope)
        body = _Body(receive, send, most if length else 0, self.serving)
        if length > most:
            await answer(_too_large(most))(scope, receive, body.send)
        else:
            await self.app(scope, body.receive, body.send)


class _Body:
    def __init__(self, receive: Any, send: Any, most: int, serving: Serving) -> None:
        self._receive, self._send = receive, send
        self._most, self._serving = most, serving
        self._begun, self._got, self._more = time.monotonic(), 0, most > 0

    async def receive(self) -> Any:
        """The next piece of the body; after its end, whatever comes."""
        if not self._more:
            return await self._receive()
        try:
            async with asyncio.timeout(self._serving.idle):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow(f"nothing came for {self._serving.idle:g} seconds", hint="send it again") from None
        self._more = message.get("more_body", False)
        self._got += len(message.get("body", b""))
        if self._got > self._most:
            raise _too_large(self._most)
        late = time.monotonic() - self._begun - self._serving.idle
        if self._more and late > 0 and self._got < late * self._serving.slowest:
            raise TooSlow(f"{self._got} bytes in all this time", hint="send it again over a better line")
        return message

    async def send(self, message: Any) -> None:
        """A piece of the answer; a client that takes none of it for long is let go.

        Where the body was not read to its end, the connection ends with the answer: it would be the next request.
        """
        if self._more and message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        elif self._more and not message.get("more_body", False):
            await self._pass(message | {"more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b""}
        await self._pass(message)

    async def _pass(self, message: Any) -> None:
        async with asyncio.timeout(self._serving.idle * 2):
            await self._send(message)

    async def _drain(self) -> None:
        """Read on for a moment: a client that is still sending would else be cut off before it reads the answer."""
        left = LINGER
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while left > 0 and self._more:
                    message = await self._receive()
                    self._more = message.get("more_body", False)
                    left -= len(message.get("body", b""))


def _length(scope: Any) -> int:
    """Bytes the body will have: 0 for none, 1 where it is not said."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)  # the parser of requests has refused what is no number
        if name == b"transfer-encoding":
            return 1
    return 0


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"more than {most} bytes", hint="send less at once; `serve --largest` sets how large a file may be")


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, which otherwise waits for ever for the head of a first request."""

    head = 15.0

    @classmethod
    def of(cls, serving: Serving) -> "type[Protocol]":
        """The same, for a server with these settings."""
        return type("Protocol", (cls,), {"head": serving.head})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come: it gets so long to say what it wants."""
        super().connection_made(transport)
        self._clock = self.loop.call_later(self.head, self._let_go)

    def connection_lost(self, exc: Exception | None) -> None:
        """A client has gone."""
        self._clock.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """An answer is out: the next head has as long."""
        super().on_response_complete()
        self._clock.cancel()
        self._clock = self.loop.call_later(self.head, self._let_go)

    def _let_go(self) -> None:
        """Close, unless a request is being answered."""
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.close()

"""What one client may cost: bytes of a body, seconds of silence, a connection that never asks.

A body that says it is too large is refused before its first byte, one that lies when it becomes too large. Whoever
sends or takes nothing for a while, or drips, is let go.
"""

import asyncio
import contextlib
import time
from typing import Any

from fastapi import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from adapterhub.errors import AdapterHubError, WrongUsage
from adapterhub.protocols.hf_hub.answers import Answered
from adapterhub.server.access import caller
from adapterhub.server.errors import answer
from adapterhub.server.settings import Serving
from adapterhub.server.sizes import Most, largest

__all__ = ["Limits", "Protocol", "TooSlow"]

LINGER, SECONDS = 64 << 20, 3.0
"""Bytes and seconds of a refused body that are still taken, so that its sender comes to read why."""

NOTHING = Most(0, "")
TWICE = "send Content-Length or Transfer-Encoding, not both"


class TooSlow(Answered):
    """The client sent nothing for too long, or too little."""

    status = 408


class Limits:
    """The ASGI app inside, whose bodies come in time and within bounds."""

    def __init__(self, app: Any, serving: Serving) -> None:
        self.app, self.serving = app, serving

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        told, chunked = int(headers.get(b"content-length", 0)), b"transfer-encoding" in headers
        if not told and not chunked:
            await self.app(scope, receive, _Body(receive, send, NOTHING, self.serving).send)
            return
        most = largest(scope["path"], self.serving, lambda: self._knows(scope))
        body = _Body(receive, send, most, self.serving)
        if chunked and b"content-length" in headers:  # a proxy in front may believe the other one
            await answer(WrongUsage("a body whose length is told in two ways", hint=TWICE))(scope, receive, body.send)
        elif told > most.size:
            await answer(most.refusal())(scope, receive, body.send)
        else:
            await self.app(scope, body.receive, body.send)

    def _knows(self, scope: Any) -> bool:
        """Whether the sender shows a token that counts; why one does not is told by the route."""
        with contextlib.suppress(AdapterHubError, OSError):
            return caller(Request({**scope, "app": self.app})).known
        return False


class _Body:
    def __init__(self, receive: Any, send: Any, most: Most, serving: Serving) -> None:
        self._receive, self._send = receive, send
        self._most, self._serving = most, serving
        self._waited, self._got, self._more = 0.0, 0, most.size > 0

    async def receive(self) -> Any:
        """The next piece of the body; after its end, whatever comes."""
        if not self._more:
            return await self._receive()
        message = await self._next()
        self._more = message.get("more_body", False)
        self._got += len(message.get("body", b""))
        if self._got > self._most.size:
            raise self._most.refusal()
        late = self._waited - self._serving.idle
        if self._more and late > 0 and self._got < late * self._serving.slowest:
            raise TooSlow(
                f"{self._got} bytes came in {self._waited:.0f} seconds, {self._serving.slowest} a second are the least",
                hint="send it again over a better line",
            )
        return message

    async def _next(self) -> Any:
        """What the client sends; only the time it takes for that counts, not what we do with it."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._serving.idle):
                return await self._receive()
        except TimeoutError:
            raise TooSlow(
                f"nothing came for {self._serving.idle:g} seconds, after {self._got} bytes", hint="send it again"
            ) from None
        finally:
            self._waited += time.monotonic() - began

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

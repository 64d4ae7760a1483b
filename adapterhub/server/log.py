"""One line of JSON on standard error for each request and each thing worth knowing. No line holds a secret.

A request's line has its path without the query, where signatures stand, and no header of it.
"""

import contextlib
import json
import logging
import re
import secrets
import sys
import time
import traceback
from typing import Any

from adapterhub.store.shelf import now

__all__ = ["Log", "configure", "tell"]

LONGEST = 500

AUTHORITY = re.compile("^[A-Za-z]+://[^/]*")
"""What stands before a path in a request to a proxy; it may hold a password."""


def tell(event: str, **facts: Any) -> None:
    """Write a line; facts that say nothing are left out."""
    said = {"time": now(), "event": event, **{name: value for name, value in facts.items() if value not in (None, "")}}
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more: no reason to serve no more
            sys.stderr.write(json.dumps(said, ensure_ascii=True, default=str) + "\n")
            sys.stderr.flush()


class _Lines(logging.Handler):
    """What other libraries log, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        fault = _fault(record.exc_info[1]) if record.exc_info and record.exc_info[1] else {}
        tell("log", level=record.levelname.lower(), logger=record.name, message=record.getMessage()[:LONGEST], **fault)


def configure() -> None:
    """Let what libraries log and warn of come in this form; what uvicorn says of a request is said here already."""
    logging.captureWarnings(True)
    logging.getLogger().handlers = [_Lines(logging.WARNING)]


def _fault(error: BaseException) -> dict[str, Any]:
    """What went wrong and where: the kinds and places, and the first words."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return {"fault": f"{type(error).__name__}: {error}"[:LONGEST], "places": places[-12:]}


class Log:
    """The ASGI app inside, each request with an id of its own and a line at its end."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen = _Seen(scope, receive, send)
        try:
            await self.app(scope, seen.receive, seen.send)
        except Exception as error:
            # Whoever answers has done so where that was possible; here it is told, once.
            seen.fault = error
            if not seen.status:
                raise
        finally:
            seen.tell()


class _Seen:
    """What passes by during one request."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.id = secrets.token_hex(8)
        self.begun = time.monotonic()
        self.status = self.received = self.sent = 0
        self.fault: BaseException | None = None
        scope.setdefault("state", {})["id"] = self.id

    async def receive(self) -> Any:
        """The next message from the client, counted."""
        message = await self._receive()
        self.received += len(message.get("body", b""))
        return message

    async def send(self, message: Any) -> None:
        """A message to the client, counted; the answer's head carries the request's id."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", self.id.encode())]}
        self.sent += len(message.get("body", b""))
        await self._send(message)

    def tell(self) -> None:
        """The line of this request."""
        state = self.scope["state"]
        fault = self.fault or state.get("fault")
        tell(
            "request",
            id=self.id,
            method=self.scope["method"],
            path=AUTHORITY.sub("", self.scope["path"])[:LONGEST],
            status=self.status,
            seconds=round(time.monotonic() - self.begun, 4),
            received=self.received or None,
            sent=self.sent or None,
            client=(self.scope.get("client") or ("",))[0],
            by=getattr(state.get("caller"), "name", ""),
            **(_fault(fault) if fault else {}),
        )

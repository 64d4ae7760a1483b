"""Errors as pages, for those who read pages: the status and headers stay, the JSON becomes words."""

import json
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from adapterhub.server.access import ANYBODY
from adapterhub.server.settings import Serving
from adapterhub.server.web.address import Addresses
from adapterhub.server.web.look import HEADERS, html

__all__ = ["CHALLENGE", "ForPeople"]

CHALLENGE = 'Basic realm="adapterhub", charset="UTF-8"'
"""What makes a browser ask for a name, which may be any, and a password, which is the token."""

TITLES = {
    400: "This cannot be read",
    401: "This wants a token",
    403: "Not allowed",
    404: "Not here",
    405: "Not so",
    422: "This cannot be read",
    503: "Not now",
}
OURS = "A fault of the server"


class ForPeople:
    """The ASGI app inside, whose errors are pages for browsers that navigate."""

    def __init__(self, app: Any, serving: Serving) -> None:
        self.app, self.at = app, Addresses.of(serving.public_url)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not _reads_pages(scope):
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _Held(scope, send, self.at).send)


def _reads_pages(scope: Any) -> bool:
    return scope["method"] in ("GET", "HEAD") and "text/html" in Headers(scope=scope).get("accept", "")


class _Held:
    """An answer that is held back if it is an error in JSON."""

    def __init__(self, scope: Any, send: Any, at: Addresses) -> None:
        self.scope, self._send, self.at = scope, send, at
        self.start: dict[str, Any] | None = None
        self.body = b""

    async def send(self, message: Any) -> None:
        """A part of the answer."""
        if message["type"] == "http.response.start" and _is_error(message):
            self.start = message
        elif self.start is None:
            await self._send(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._tell(self.start)

    async def _tell(self, start: dict[str, Any]) -> None:
        body = self._page(start["status"]).encode()
        headers = MutableHeaders(raw=list(start["headers"]))
        headers.update({**HEADERS, "Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body))})
        if start["status"] == 401:
            headers["WWW-Authenticate"] = CHALLENGE
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})

    def _page(self, status: int) -> str:
        said = json.loads(self.body or b"{}")
        return html(
            "error",
            self.at,
            self.scope["state"].get("caller") or ANYBODY,
            title=TITLES.get(status, OURS),
            error=str(said.get("error", "")),
            hint=str(said.get("hint", "")),
            here=_here(self.scope, self.at),
        )


def _here(scope: Any, at: Addresses) -> str:
    """The address that was asked for, as it was written."""
    query = scope["query_string"].decode("latin-1")
    return at.root + (scope.get("raw_path") or b"/").decode("latin-1") + (f"?{query}" if query else "")


def _is_error(start: dict[str, Any]) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return bool(start["status"] >= 400) and kind.startswith("application/json")

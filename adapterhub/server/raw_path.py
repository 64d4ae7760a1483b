"""Paths as they were sent: a slash written %2F belongs to its segment, and each segment is decoded once, late.

Routers see the path that stood on the wire, so `refs%2Fpr%2F1` is one segment of it. A route takes its parameters as
`Segment` and `FilePath`, which decode them. What leads out of a folder, or is no text, never comes to a route.
"""

import re
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import AfterValidator

from adapterhub.errors import BadReference
from adapterhub.server.errors import answer

__all__ = ["FilePath", "RawPath", "Segment", "decoded"]

HINT = "write paths without '.', '..', backslashes and control characters; a name's slash is written %2F"
LONGEST = 4096

ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#@]+)(/.*)?")
"""What a client writes that believes to ask a proxy; the address in it counts, and not the header.
Source: RFC 9112, section 3.2.2."""

API, REDIRECTED = "/api/", "/api/resolve-cache/"


def decoded(raw: str) -> str:
    """The text a raw path, or a part of one, means; `BadReference` for what no path of ours can hold.

    >>> decoded("refs%2Fpr%2F1"), decoded("my%20file")
    ('refs/pr/1', 'my file')
    """
    try:
        text = unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise BadReference(f"{raw[:200]!r}: not UTF-8", hint=HINT) from None
    if "\\" in text or not text.isprintable() or any(part in (".", "..") for part in text.split("/")):
        raise BadReference(f"{raw[:200]!r}: no path of ours", hint=HINT)
    return text


def _whole(raw: str) -> str:
    """A part that is not empty, and does not begin at the root once it is decoded."""
    text = decoded(raw)
    if any(not part for part in text.split("/")):
        raise ValueError("a name or path has no empty part")
    return text


Segment = Annotated[str, AfterValidator(_whole)]
"""A path parameter of one segment, decoded: a namespace, a name, a branch, a revision."""

FilePath = Annotated[str, AfterValidator(_whole)]
"""A path parameter of several segments, `{path:path}`, decoded."""


class RawPath:
    """The ASGI app inside, called with the path as it was sent; bad ones are answered here, with 400.

    A HEAD of what answers in JSON is a GET to it: what is below keeps the body back.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        raw, headers, method = scope.get("raw_path") or scope["path"].encode(), scope["headers"], scope["method"]
        if found := ABSOLUTE.fullmatch(raw):
            raw, headers = found[2] or b"/", [*(one for one in headers if one[0] != b"host"), (b"host", found[1])]
        try:
            path = _checked(raw)
        except BadReference as error:
            await answer(error)(scope, receive, send)
            return
        if method == "HEAD" and path.startswith(API) and not path.startswith(REDIRECTED):
            method = "GET"
        await self.app({**scope, "path": path, "headers": headers, "method": method}, receive, send)


def _checked(raw: bytes) -> str:
    """The raw path as text, without a slash at its end."""
    text = raw.decode("latin-1")
    if len(raw) > LONGEST or not text.isascii() or not text.startswith("/"):
        raise BadReference(f"{text[:80]!r}: no path, or longer than {LONGEST} bytes", hint=HINT)
    decoded(text)
    trimmed = text.rstrip("/") or "/"
    if "//" in trimmed:
        raise BadReference(f"{text[:200]!r}: an empty part", hint=HINT)
    return trimmed

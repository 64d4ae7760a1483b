"""A blob as an answer: whole or a range of it, read in pieces by threads; or handed to an nginx, or to a bucket.

Nothing a client uploaded is ever shown as a page: it is given as an attachment of a type no browser runs.
Source: RFC 9110, sections 8.8, 13 and 14.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import final
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse

from adapterhub.regular import open_regular

__all__ = ["Given", "give"]

PIECE = 1 << 18
"""Bytes read at a time."""

READERS = CapacityLimiter(16)
"""Threads that read: a slow disk must not take those that answer."""

TYPES = {".json": "application/json", ".md": "text/plain", ".txt": "text/plain", ".yaml": "text/plain"}
RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
JUDGED = ("if-match", "if-unmodified-since")
"""What an nginx would judge by a tag and a time of its own; such a request is answered from here."""
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-cache",
}


@final
@dataclass(frozen=True)
class Given:
    """A file of this machine, what it is called outside, and what names its bytes."""

    path: Path
    name: str
    size: int
    etag: str
    blob: bool = True
    """Whether it is a blob, which an nginx in front may be told to send."""


def give(
    method: str, asked: Headers, file: Given, more: dict[str, str], *, accelerated: str = "", link: str | None = None
) -> Response:
    """The answer: 200, 206, 302, 304 or 416.

    `more` are further headers, `accelerated` is the place nginx knows blobs by, `link` leads to this one elsewhere.
    """
    headers = {**SAFE, **more, "ETag": f'"{file.etag}"', "Accept-Ranges": "bytes", **_described(file.name)}
    if _matches(asked.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    if method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(file.size)})
    if accelerated and file.blob and not any(name in asked for name in JUDGED):
        place = f"{accelerated.rstrip('/')}/{file.path.parent.name}/{file.path.name}"
        del headers["Accept-Ranges"]  # nginx says it itself, and would say it twice
        return Response(headers={**headers, "X-Accel-Redirect": place})
    if link:
        led = {"Location": link, "X-Linked-Size": str(file.size), "X-Linked-ETag": headers["ETag"]}
        return Response(status_code=302, headers={**SAFE, **more, **led, "Cache-Control": "no-store"})
    start, end, status = _range(asked, file)
    if status == 416:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    headers["Content-Length"] = str(end - start)
    return StreamingResponse(_pieces(file.path, start, end), status, headers)


def _described(name: str) -> dict[str, str]:
    """What it is and what it is called, for programs that save it."""
    last = name.rpartition("/")[2]
    plain = re.sub(r"[^A-Za-z0-9 ._+-]", "_", last)
    kind = TYPES.get(Path(last).suffix.lower(), "application/octet-stream")
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(last, safe='')}"
    return {
        "Content-Type": f"{kind}; charset=utf-8" if "octet" not in kind else kind,
        "Content-Disposition": disposition,
    }


def _matches(asked: str, etag: str) -> bool:
    """Whether one of the tags a client has is ours; weak ones count as strong, as for every GET."""
    return asked.strip() == "*" or any(
        word.strip().removeprefix("W/").strip('"') == etag for word in asked.split(",") if word.strip()
    )


def _range(asked: Headers, file: Given) -> tuple[int, int, int]:
    """First byte, the one after the last, and the status. What is no single range counts as none."""
    found = RANGE.fullmatch(asked.get("range", "").strip())
    unless = asked.get("if-range", "").strip()
    if found is None or not (found[1] or found[2]) or (unless and unless.strip('"') != file.etag):
        return 0, file.size, 200
    if not found[1]:
        count = min(int(found[2]), file.size)
        return (file.size - count, file.size, 206) if count else (0, 0, 416)
    start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else file.size, file.size)
    if found[2] and int(found[2]) < start:
        return 0, file.size, 200
    return (start, end, 206) if start < file.size else (0, 0, 416)


async def _pieces(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    stream = await to_thread.run_sync(open_regular, path, limiter=READERS)
    try:
        await to_thread.run_sync(stream.seek, start, limiter=READERS)
        while start < end:
            piece = await to_thread.run_sync(stream.read, min(PIECE, end - start), limiter=READERS)
            if not piece:  # truncated on disk: the connection ends early, and the client knows
                return
            start += len(piece)
            yield piece
    finally:
        stream.close()

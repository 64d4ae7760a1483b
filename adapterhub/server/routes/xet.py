"""Xet uploads: a token and a place for them, then xorbs, then shards. Downloads are plain HTTP: nothing here gives out.

Sources: https://huggingface.co/docs/xet/api and /auth. Clients ask for more than they need: what other clients have
sent (no), a place elsewhere to send a xorb to (no), a shard of version 2 (no); they go on without.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, NoReturn

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from adapterhub.errors import NotFound
from adapterhub.protocols.hf_hub.answers import Full, TokenWanted, TooLarge
from adapterhub.protocols.xet.hashes import check_hash
from adapterhub.protocols.xet.shard import LARGEST_SHARD
from adapterhub.protocols.xet.xorb import LARGEST_XORB
from adapterhub.reference import Name
from adapterhub.server.access import common, desk, holder, serving, url_of
from adapterhub.server.ingest.body import each_piece
from adapterhub.server.ingest.xet import XetIngest
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Writable, seen
from adapterhub.server.turns import Turns

router = APIRouter()

PURPOSE = "xet"
MAKING = Turns(4, 2)
"""Shards of which a file is made at once; each keeps a processor busy. The next file is another turn."""


@router.get("/api/models/{namespace}/{repository}/xet-write-token/{revision}")
def write_token(request: Request, place: Writable, revision: Segment) -> JSONResponse:
    """What lets its caller upload chunks for one repository, for a while, and where to."""
    by, name, seconds = place.caller.id, place.name, serving(request).link
    facts = {"by": by, "repo": [name.namespace, name.name]}
    link, until = common(request).links.sign(PURPOSE, facts, seconds), int(time.time() + seconds)
    cas = f"{url_of(request)}/cas/{_ingest(request, by, name).begin()}"
    headers = {"X-Xet-Access-Token": link, "X-Xet-Token-Expiration": str(until), "X-Xet-Cas-Url": cas}
    told = {"accessToken": link, "exp": until, "casUrl": cas}
    return JSONResponse(told, headers={**headers, "Cache-Control": "no-store"})


@router.post("/cas/{depot}/v1/xorbs/{prefix}/{xorb}")
async def put_xorb(request: Request, depot: Segment, prefix: Segment, xorb: Segment) -> dict[str, bool]:
    """Keep a xorb."""
    ingest, xorb = await to_thread.run_sync(_uploading, request), check_hash(xorb)
    with _too_large_if_full(), ingest.receiving(depot) as (sink, path):
        await _receive(request, ingest, sink, path, LARGEST_XORB)
        return {"was_inserted": await to_thread.run_sync(ingest.keep, sink, path, xorb)}


@router.post("/cas/{depot}/v1/shards")
async def put_shard(request: Request, depot: Segment) -> dict[str, int]:
    """Make the files of a shard."""
    ingest = await to_thread.run_sync(_uploading, request)
    with _too_large_if_full(), ingest.receiving(depot) as (sink, path):
        await _receive(request, ingest, sink, path, LARGEST_SHARD)
        await _make(request, ingest, sink, path)
    return {"result": 1}


@router.get("/cas/{depot}/v1/chunks/{prefix}/{chunk}")
@router.post("/cas/{depot}/v1/xorb-grants/{prefix}/{chunk}")
async def elsewhere(request: Request, depot: Segment, prefix: Segment, chunk: Segment) -> dict[str, Any]:
    """No: what others have sent is nobody's business, and xorbs come here."""
    return await _no(request, "this server knows no chunks and no other place for them")


@router.post("/cas/{depot}/v2/shards")
async def put_later_shard(request: Request, depot: Segment) -> dict[str, Any]:
    """No: clients come again with a shard of version 1."""
    return await _no(request, "this server takes shards at /v1/shards")


async def _no(request: Request, why: str) -> NoReturn:
    """Take the body, so that the connection can go on."""
    with contextlib.suppress(ClientDisconnect):
        async for _ in request.stream():
            pass
    raise NotFound(why, hint="go on without")


def _ingest(request: Request, by: str, name: Name) -> XetIngest:
    found = common(request)
    return XetIngest(found.desk.store, found.claims, found.serving, by, name)


def _uploading(request: Request) -> XetIngest:
    """The uploads that a request's token is for; what it was given for may have ended since."""
    scheme, _, link = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not link:
        raise TokenWanted("uploading chunks wants the token for it", hint="GET /api/models/NAME/xet-write-token/main")
    facts = common(request).links.read(PURPOSE, link.strip())
    name, who = Name(*facts["repo"]), holder(request, facts["by"])
    seen(desk(request), who, name)
    who.insist_write(name)
    return _ingest(request, facts["by"], name)


@contextlib.contextmanager
def _too_large_if_full() -> Iterator[None]:
    """hf_xet sends again for minutes what a server could not take by its own fault (5xx), and tells nobody why."""
    try:
        yield
    except Full as error:
        raise TooLarge(str(error), hint=error.hint) from None


async def _make(request: Request, ingest: XetIngest, sink: BinaryIO, path: Path) -> None:
    """Make the files of a shard in turns, and tell when nobody waits for them any more."""
    gone = Event()
    steps, waiting = ingest.make(sink, path, gone), asyncio.create_task(_until_gone(request, gone))
    try:
        while await MAKING.run(ingest.caller, next, steps, None):
            pass
    finally:
        gone.set()  # where this server ends, a step may still run
        waiting.cancel()


async def _until_gone(request: Request, gone: Event) -> None:
    """After the end of a body, the next word of a client is that it went away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()


async def _receive(request: Request, ingest: XetIngest, sink: BinaryIO, path: Path, most: int) -> None:
    """Write a body to a file in a depot; `TooLarge` as soon as it is."""

    def write(piece: bytes) -> None:
        if sink.tell() + len(piece) > most:
            raise TooLarge(f"more than {most} bytes", hint="a xorb has 64 MiB of chunks, a shard as much, at most")
        sink.write(piece)

    told = int(request.headers.get("content-length", 0))
    await to_thread.run_sync(ingest.insist_room, path.parent, told)
    await each_piece(request, ingest.room, write)

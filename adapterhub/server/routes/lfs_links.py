"""Large files by the links that a batch gave out: sent whole or in parts, or had.

A link says for which repository, object and caller it is, and ends; it needs no token, since clients send none. What it
stands on is asked again each time: whether its caller still may, and whether the repository is still there for him.
What was sent becomes a blob, claimed for its sender, and a file of the repository with the commit that names it.
"""

import re
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from adapterhub.errors import WrongUsage
from adapterhub.manifest import File
from adapterhub.protocols.hf_hub.answers import AccessDenied, EntryNotFound, TooLarge
from adapterhub.protocols.hf_hub.lfs import Completion
from adapterhub.reference import Name
from adapterhub.server.access import caller, common, desk, holder
from adapterhub.server.blob import Given
from adapterhub.server.ingest.arriving import InOrder, InParts, waiting
from adapterhub.server.ingest.body import each_piece
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import seen
from adapterhub.server.room import Room
from adapterhub.server.routes.lfs import OBJECTS
from adapterhub.server.sending import send
from adapterhub.server.turns import Turns

router = APIRouter()

RANGE = re.compile(r"bytes ([0-9]{1,16})-([0-9]{1,16})/([0-9]{1,16})")
HASHING = Turns(4, 2)
"""Files that are read once more, or made durable; each may have gigabytes."""


def _opened(request: Request, purpose: str, name: Name, oid: str, link: str) -> tuple[dict[str, Any], File]:
    """What a link says, if it is one for just this and holds."""
    facts = common(request).links.read(f"lfs-{purpose}", link)
    if (facts["repo"], facts["oid"]) != (str(name), oid):
        raise AccessDenied("this link is for something else", hint="ask for a link of its own, as before an upload")
    who = holder(request, facts["by"]) if facts["by"] else caller(request)
    seen(desk(request), who, name)
    if purpose != "get":
        who.insist_write(name)
    return facts, File(path=oid, size=facts["size"], sha256=oid)


@router.put(f"{OBJECTS}/{{oid}}", response_class=Response)
async def put(request: Request, namespace: Segment, repository: Segment, oid: Segment, link: str = "") -> Response:
    """Take a file, or with Content-Range the rest of one. Bytes that are not what was announced leave nothing."""
    facts, file = await run_in_threadpool(_opened, request, "put", Name(namespace, repository), oid, link)
    start, by, room = _start(request, file), facts["by"], _room(request)
    _expect(request, file.size - start)
    room.insist(file.size - start)
    arriving = InOrder(common(request).desk.store.layout, file, by)
    try:
        await (HASHING.run(by, arriving.begin, start) if start else run_in_threadpool(arriving.begin, 0))
        await each_piece(request, room, arriving.write)
        await HASHING.run(by, arriving.finish, common(request).claims)
    finally:
        arriving.close()
    return Response(headers={"ETag": f'"{oid}"'})


@router.head(f"{OBJECTS}/{{oid}}", response_class=Response)
def ask(request: Request, namespace: Segment, repository: Segment, oid: Segment, link: str = "") -> Response:
    """How many bytes of an upload are here: it may go on from there, with Content-Range."""
    facts, file = _opened(request, "put", Name(namespace, repository), oid, link)
    return Response(headers={"Upload-Offset": str(waiting(common(request).desk.store.layout, file, facts["by"]))})


@router.put(f"{OBJECTS}/{{oid}}/parts/{{number}}", response_class=Response)
async def put_part(
    request: Request, namespace: Segment, repository: Segment, oid: Segment, number: Segment, link: str = ""
) -> Response:
    """Take a part of a file; its place is in the link."""
    facts, file = await run_in_threadpool(_opened, request, "part", Name(namespace, repository), oid, link)
    size, room = facts["end"] - facts["start"], _room(request)
    _expect(request, size)
    room.insist(size)
    arriving = InParts(common(request).desk.store.layout, file, facts["by"])
    try:
        await run_in_threadpool(arriving.begin, facts["start"], facts["end"])
        await each_piece(request, room, arriving.write)
        return Response(headers={"ETag": f'"{arriving.finish()}"'})
    finally:
        arriving.close()


@router.post(f"{OBJECTS}/{{oid}}/complete", response_class=Response)
async def complete(
    request: Request, namespace: Segment, repository: Segment, oid: Segment, said: Completion, link: str = ""
) -> Response:
    """All parts were sent: the file becomes a blob, if it is what was announced."""
    facts, file = await run_in_threadpool(_opened, request, "complete", Name(namespace, repository), oid, link)
    if sorted(part.partNumber for part in said.parts) != list(range(1, facts["parts"] + 1)) or said.oid != oid:
        raise WrongUsage(f"{oid}: {len(said.parts)} parts, wanted 1 to {facts['parts']}", hint="send all parts first")
    arriving = InParts(common(request).desk.store.layout, file, facts["by"])
    try:
        await HASHING.run(facts["by"], arriving.complete, common(request).claims)
    finally:
        arriving.close()
    return Response(headers={"ETag": f'"{oid}"'})


@router.get(f"{OBJECTS}/{{oid}}", response_class=Response)
def get(request: Request, namespace: Segment, repository: Segment, oid: Segment, link: str = "") -> Response:
    """An object of the repository, by a link from a batch."""
    _, file = _opened(request, "get", Name(namespace, repository), oid, link)
    path = common(request).desk.store.layout.blob(file.blob)
    if not path.is_file():
        raise EntryNotFound(f"{oid}: no such object any more", hint="ask for it again")
    return send(request, Given(path, oid, file.size, oid))


def _room(request: Request) -> Room:
    here = common(request)
    return Room(here.desk.store.root, here.serving.spare)


def _start(request: Request, file: File) -> int:
    """The byte an upload goes on from; 0 where it begins."""
    text = request.headers.get("content-range")
    if text is None:
        return 0
    found = RANGE.fullmatch(text.strip())
    if not found or int(found[3]) != file.size or int(found[2]) != file.size - 1 or int(found[1]) >= file.size:
        raise WrongUsage(f"{text[:80]!r}: wanted bytes FROM-{file.size - 1}/{file.size}", hint="send all of the rest")
    return int(found[1])


def _expect(request: Request, size: int) -> None:
    """Refuse a body that says it is another one than was announced, before its first byte."""
    told = request.headers.get("content-length")
    if told is not None and int(told) > size:
        raise TooLarge(f"{told} bytes come, {size} were announced", hint="announce its real size")
    if told is not None and int(told) < size:
        raise WrongUsage(f"{told} bytes come, {size} were announced", hint="send all of it")

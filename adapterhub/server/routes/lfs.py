"""Large files: a client asks what to send, sends it to signed links, whole or in parts, and asks whether it came.

The links say for which repository, object and caller they are, and end; they need no token, since clients send none.
What was sent becomes a blob, claimed for its sender, and a file of the repository with the commit that names it.
"""

import re
import shutil
from functools import cached_property
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from adapterhub.digest import Digest
from adapterhub.errors import Conflict, WrongUsage
from adapterhub.manifest import File
from adapterhub.protocols.hf_hub.answers import AccessDenied, Answered, EntryNotFound, TooLarge
from adapterhub.protocols.hf_hub.lfs import MEDIA, Asked, Batch, Completion, action, answered, refused, uploads
from adapterhub.reference import Name
from adapterhub.server.access import caller, desk, holder, may_claim, shared, url_of
from adapterhub.server.ingest.arriving import InOrder, InParts, waiting
from adapterhub.server.ingest.body import each_piece
from adapterhub.server.raw_path import Segment
from adapterhub.verbs.hub_history import info

router = APIRouter()

OBJECTS = "/{namespace}/{repo}.git/info/lfs/objects"
RANGE = re.compile(r"bytes ([0-9]{1,16})-([0-9]{1,16})/([0-9]{1,16})")
SPARE = 64 << 20
"""Bytes of the disk that uploads leave free."""


class Full(Answered):
    """There is no room for it."""

    status = 507


@router.post(f"{OBJECTS}/batch", response_class=JSONResponse)
def batch(request: Request, namespace: Segment, repo: Segment, asked: Batch) -> JSONResponse:
    """Where each object is to be sent, or had from; nothing where it is here already."""
    name, at = Name(namespace, repo), desk(request)
    caller(request).insist_read(name, info(at, name).private)
    if not asked.sha256:
        raise Conflict(f"{asked.hash_algo[:20]!r}: objects are named by sha256 here", hint="use a client that does so")
    known = _Known(request, name)
    if asked.operation == "download":
        objects = [_download(request, name, each, known) for each in asked.objects]
    else:
        caller(request).insist_write(name)
        objects = [_upload(request, name, each, known, parts=asked.parts) for each in asked.objects]
    several = any("chunk_size" in o.get("actions", {}).get("upload", {}).get("header", {}) for o in objects)
    return JSONResponse(uploads(objects, parts=several), media_type=MEDIA)


class _Known:
    """What of the store the caller can have, or need not send, by way of a repository."""

    def __init__(self, request: Request, name: Name) -> None:
        self.name, self.desk, self._claimed = name, desk(request), may_claim(request)

    @cached_property
    def named(self) -> frozenset[str]:
        """What the repository's commits name."""
        history = self.desk.store.history
        ends = {*history.branches(self.name).values(), *history.tags(self.name).values()}
        commits = (commit for end in ends for _, commit in history.log(self.name, end))
        return frozenset(file.sha256 for commit in commits for file in commit.files)

    def mine(self, oid: str) -> bool:
        """Whether the caller may name it in a commit."""
        return self._claimed(Digest(oid)) or oid in self.named

    def size(self, asked: Asked) -> int | None:
        """Bytes of a blob that is here."""
        try:
            return self.desk.store.layout.blob(Digest(asked.oid)).stat().st_size
        except FileNotFoundError:
            return None


def _upload(request: Request, name: Name, asked: Asked, known: _Known, *, parts: bool) -> dict[str, Any]:
    here = shared(request)
    if (size := known.size(asked)) is not None and known.mine(asked.oid):
        if size != asked.size:
            return refused(asked, 422, f"these bytes are here, and there are {size} of them, not {asked.size}")
        here.claims.add(caller(request).id, Digest(asked.oid))
        return answered(asked)
    if asked.size > here.serving.largest:
        return refused(asked, 422, f"{asked.size} bytes; this server takes files of at most {here.serving.largest}")
    if asked.size + SPARE > shutil.disk_usage(here.desk.store.root).free:
        return refused(asked, 507, "the server's disk is full")
    links, url = _Linked(request, name, asked), f"{url_of(request)}/{name}.git/info/lfs/objects"
    verify = action(f"{url}/{asked.oid}/verify", here.serving.link)
    if parts and asked.size > here.serving.part:
        return answered(asked, upload=links.in_parts(url), verify=verify)
    return answered(asked, upload=action(f"{url}/{asked.oid}?link={links.sign('put')}", links.seconds), verify=verify)


def _download(request: Request, name: Name, asked: Asked, known: _Known) -> dict[str, Any]:
    if asked.oid not in known.named or known.size(asked) is None:
        return refused(asked, 404, "no commit of this repository names such an object")
    links = _Linked(request, name, asked)
    href = f"{url_of(request)}/{name}.git/info/lfs/objects/{asked.oid}?link={links.sign('get')}"
    return answered(asked, download=action(href, links.seconds))


class _Linked:
    """Signs links for one object."""

    def __init__(self, request: Request, name: Name, asked: Asked) -> None:
        here = shared(request)
        self.asked, self.part, self.seconds, self._links = asked, here.serving.part, here.serving.link, here.links
        self._facts = {"repo": str(name), "oid": asked.oid, "size": asked.size, "by": caller(request).id}

    def sign(self, purpose: str, **more: int) -> str:
        return quote(self._links.sign(f"lfs-{purpose}", {**self._facts, **more}, self.seconds), safe="")

    def in_parts(self, url: str) -> dict[str, Any]:
        """An upload in parts: one link for each, and one to complete it."""
        starts = range(0, self.asked.size, self.part)
        header = {"chunk_size": str(self.part)}
        for number, start in enumerate(starts, 1):
            link = self.sign("part", start=start, end=min(start + self.part, self.asked.size))
            header[str(number)] = f"{url}/{self.asked.oid}/parts/{number}?link={link}"
        complete = self.sign("complete", parts=len(starts))
        return action(f"{url}/{self.asked.oid}/complete?link={complete}", self.seconds, header)


def _opened(request: Request, purpose: str, name: Name, oid: str, link: str) -> tuple[dict[str, Any], File]:
    """What a link says, if it is one for just this, and its maker's token still counts."""
    facts = shared(request).links.read(f"lfs-{purpose}", link)
    if (facts["repo"], facts["oid"]) != (str(name), oid):
        raise AccessDenied("this link is for something else", hint="ask for a link of its own, as before an upload")
    if purpose != "get":
        holder(request, facts["by"]).insist_write(name)
    elif facts["by"]:
        holder(request, facts["by"])
    return facts, File(path=oid, size=facts["size"], sha256=oid)


@router.put(f"{OBJECTS}/{{oid}}", response_class=Response)
async def put(request: Request, namespace: Segment, repo: Segment, oid: Segment, link: str = "") -> Response:
    """Take a file, or with Content-Range the rest of one. Bytes that are not what was announced leave nothing."""
    facts, file = _opened(request, "put", Name(namespace, repo), oid, link)
    start = _start(request, file)
    _expect(request, file.size - start)
    here = shared(request)
    arriving = InOrder(here.desk.store.layout, file, facts["by"])
    try:
        await run_in_threadpool(arriving.begin, start)
        await each_piece(request, arriving.write)
        await run_in_threadpool(arriving.finish, here.claims)
    finally:
        arriving.close()
    return Response(headers={"ETag": f'"{oid}"'})


@router.head(f"{OBJECTS}/{{oid}}", response_class=Response)
def ask(request: Request, namespace: Segment, repo: Segment, oid: Segment, link: str = "") -> Response:
    """How many bytes of an upload are here: it may go on from there, with Content-Range."""
    facts, file = _opened(request, "put", Name(namespace, repo), oid, link)
    return Response(headers={"Upload-Offset": str(waiting(shared(request).desk.store.layout, file, facts["by"]))})


@router.put(f"{OBJECTS}/{{oid}}/parts/{{number}}", response_class=Response)
async def put_part(
    request: Request, namespace: Segment, repo: Segment, oid: Segment, number: Segment, link: str = ""
) -> Response:
    """Take a part of a file; its place is in the link."""
    facts, file = _opened(request, "part", Name(namespace, repo), oid, link)
    _expect(request, facts["end"] - facts["start"])
    arriving = InParts(shared(request).desk.store.layout, file, facts["by"])
    try:
        await run_in_threadpool(arriving.begin, facts["start"], facts["end"])
        await each_piece(request, arriving.write)
        return Response(headers={"ETag": f'"{arriving.finish()}"'})
    finally:
        arriving.close()


@router.post(f"{OBJECTS}/{{oid}}/complete", response_class=Response)
def complete(
    request: Request, namespace: Segment, repo: Segment, oid: Segment, said: Completion, link: str = ""
) -> Response:
    """All parts were sent: the file becomes a blob, if it is what was announced."""
    facts, file = _opened(request, "complete", Name(namespace, repo), oid, link)
    if sorted(part.partNumber for part in said.parts) != list(range(1, facts["parts"] + 1)) or said.oid != oid:
        raise WrongUsage(f"{oid}: {len(said.parts)} parts, wanted 1 to {facts['parts']}", hint="send all parts first")
    here = shared(request)
    arriving = InParts(here.desk.store.layout, file, facts["by"])
    try:
        arriving.complete(here.claims)
    finally:
        arriving.close()
    return Response(headers={"ETag": f'"{oid}"'})


@router.post(f"{OBJECTS}/{{oid}}/verify", response_class=Response)
def verify(request: Request, namespace: Segment, repo: Segment, oid: Segment, said: Asked) -> Response:
    """Whether an object has come; a token is needed."""
    name = Name(namespace, repo)
    caller(request).insist_read(name, info(desk(request), name).private)
    caller(request).insist_write(name)
    known = _Known(request, name)
    if said.oid != oid or known.size(said) != said.size or not known.mine(oid):
        raise EntryNotFound(f"{said.oid}: no such object of {said.size} bytes has come", hint="upload it again")
    return Response()


@router.get(f"{OBJECTS}/{{oid}}", response_class=FileResponse)
def get(request: Request, namespace: Segment, repo: Segment, oid: Segment, link: str = "") -> Response:
    """An object of the repository, by a link from a batch."""
    _, file = _opened(request, "get", Name(namespace, repo), oid, link)
    path = shared(request).desk.store.layout.blob(file.blob)
    if not path.is_file():
        raise EntryNotFound(f"{oid}: no such object any more", hint="ask for it again")
    headers = {"ETag": f'"{oid}"', "X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


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

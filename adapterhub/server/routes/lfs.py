"""Large files: a client asks what to send and where, and afterwards whether it came.

What a link is for, and until when, stands in it; `lfs_links` takes what is sent to one.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from adapterhub.digest import Digest
from adapterhub.errors import Conflict
from adapterhub.protocols.hf_hub.answers import EntryNotFound, Full
from adapterhub.protocols.hf_hub.lfs import MEDIA, MOST_PARTS, Batch, LfsObject, action, answered, refused, uploads
from adapterhub.server.access import common, may_claim, serving, url_of
from adapterhub.server.claims import KEPT
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Place, Readable, Writable
from adapterhub.server.room import Room
from adapterhub.server.turns import Turns
from adapterhub.verbs.hub_look import named

router = APIRouter()

OBJECTS = "/{namespace}/{repository}.git/info/lfs/objects"
LOOKING = Turns(4, 2)
"""Questions that may read a long history."""

SLOW = 1 << 17
"""Bytes a second of a slow line, whose links live until everything is through."""


@router.post(f"{OBJECTS}/batch", response_class=JSONResponse)
async def batch(request: Request, place: Readable, asked: Batch) -> JSONResponse:
    """Where each object is to be sent, or had from; nothing where it is here already."""
    if not asked.sha256:
        raise Conflict(f"{asked.hash_algo[:20]!r}: objects are named by sha256 here", hint="use a client that does so")
    if asked.operation == "upload":
        place.caller.insist_write(place.name)
    objects = await LOOKING.run(place.caller.id, _answers, request, place, asked)
    several = any("chunk_size" in o.get("actions", {}).get("upload", {}).get("header", {}) for o in objects)
    return JSONResponse(uploads(objects, parts=several), media_type=MEDIA)


@router.post(f"{OBJECTS}/{{oid}}/verify", response_class=Response)
async def verify(request: Request, place: Writable, oid: Segment, said: LfsObject) -> Response:
    """Whether an object has come; a token is needed."""
    here = await LOOKING.run(place.caller.id, _mine, request, place, [said])
    if said.oid != oid or here.get(oid) != said.size:
        raise EntryNotFound(f"{said.oid}: no such object of {said.size} bytes has come", hint="upload it again")
    return Response()


def _answers(request: Request, place: Place, asked: Batch) -> list[dict[str, Any]]:
    usual = serving(request).link
    if asked.operation == "download":
        sizes = _sizes(place, asked.objects)
        there, life = named(place.desk, place.name, sizes), _life(usual, sizes.values())
        return [_download(_Linked(request, place, each, life), there) for each in asked.objects]
    life = _life(usual, [each.size for each in asked.objects])
    here = _mine(request, place, asked.objects)
    return [
        _upload(_Linked(request, place, each, life), here.get(each.oid), parts=asked.parts) for each in asked.objects
    ]


def _life(usual: float, sizes: Iterable[int]) -> float:
    """Seconds that links live. Clients ask once for everything, and come to the last file when the others are through;
    what was sent first is claimed for a day."""
    return max(usual, min(usual + sum(sizes) / SLOW, KEPT))


def _sizes(place: Place, objects: Sequence[LfsObject]) -> dict[str, int]:
    """Bytes of the objects that are here, by whoever sent them."""
    found = dict[str, int]()
    for asked in objects:
        with suppress(FileNotFoundError):
            found[asked.oid] = place.desk.store.layout.blob(Digest(asked.oid)).stat().st_size
    return found


def _mine(request: Request, place: Place, objects: Sequence[LfsObject]) -> dict[str, int]:
    """Bytes of those that are here and that the caller may name in a commit."""
    claimed, sizes = may_claim(request), _sizes(place, objects)
    others = [oid for oid in sizes if not claimed(Digest(oid))]
    strange = set(others) - named(place.desk, place.name, others)
    return {oid: size for oid, size in sizes.items() if oid not in strange}


def _upload(linked: "_Linked", size: int | None, *, parts: bool) -> dict[str, Any]:
    """What to do to send an object; `size` is that of the caller's own that is here."""
    asked, here = linked.asked, linked.here
    if size is not None:
        if size != asked.size:
            return refused(asked, 422, f"these bytes are here, and there are {size} of them, not {asked.size}")
        here.claims.add(linked.place.caller.id, Digest(asked.oid))
        return answered(asked)
    if asked.size > here.serving.largest:
        return refused(asked, 422, f"{asked.size} bytes; this server takes files of at most {here.serving.largest}")
    try:
        Room(here.desk.store.root, here.serving.spare).insist(asked.size)
    except Full as full:
        return refused(asked, full.status, f"{full}; {full.hint}")
    verify = action(f"{linked.url}/verify", linked.seconds)
    if parts and asked.size > here.serving.part:
        return answered(asked, upload=linked.in_parts(), verify=verify)
    return answered(asked, upload=linked.whole("put"), verify=verify)


def _download(linked: "_Linked", there: frozenset[str]) -> dict[str, Any]:
    if linked.asked.oid not in there:
        return refused(linked.asked, 404, "no commit of this repository, of its last thousand, names such an object")
    return answered(linked.asked, download=linked.whole("get"))


@final
class _Linked:
    """Signs links for one object."""

    def __init__(self, request: Request, place: Place, asked: LfsObject, seconds: float) -> None:
        self.here, self.place, self.asked, self.seconds = common(request), place, asked, seconds
        self.url = f"{url_of(request)}/{place.name}.git/info/lfs/objects/{asked.oid}"
        self.part = max(self.here.serving.part, -(-asked.size // MOST_PARTS))
        self._facts = {"repo": str(place.name), "oid": asked.oid, "size": asked.size, "by": place.caller.id}

    def sign(self, purpose: str, **more: int) -> str:
        return quote(self.here.links.sign(f"lfs-{purpose}", {**self._facts, **more}, self.seconds), safe="")

    def whole(self, purpose: str) -> dict[str, Any]:
        """The object in one request."""
        return action(f"{self.url}?link={self.sign(purpose)}", self.seconds)

    def in_parts(self) -> dict[str, Any]:
        """An upload in parts: one link for each, and one to complete it."""
        starts = range(0, self.asked.size, self.part)
        header = {"chunk_size": str(self.part)}
        for number, start in enumerate(starts, 1):
            link = self.sign("part", start=start, end=min(start + self.part, self.asked.size))
            header[str(number)] = f"{self.url}/parts/{number}?link={link}"
        complete = self.sign("complete", parts=len(starts))
        return action(f"{self.url}/complete?link={complete}", self.seconds, header)

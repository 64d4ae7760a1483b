"""/api/models/…/commit: a branch moves on."""

from tempfile import TemporaryFile
from typing import Any, BinaryIO

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from adapterhub.durable import make_folder
from adapterhub.errors import WrongUsage
from adapterhub.protocols.hf_hub import wire
from adapterhub.protocols.hf_hub.commit_lines import check_lines, read_lines, split
from adapterhub.server.access import holder, may_claim, serving, url_of
from adapterhub.server.errors import as_header
from adapterhub.server.ingest.body import each_piece
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Place, Writable, seen
from adapterhub.server.room import Room
from adapterhub.server.turns import Turns
from adapterhub.verbs.hub_commit import Committed, commit

router = APIRouter()

MAKING = Turns(4, 2)
"""Commits that are made at once; each keeps a processor busy, or waits for its repository."""


@router.post("/api/models/{namespace}/{repository}/commit/{revision}")
async def send_commit(
    request: Request, response: Response, place: Writable, revision: Segment, create_pr: bool = False
) -> dict[str, Any]:
    """Take the lines of a commit, and make it. The body lies in a file without a name meanwhile."""
    if create_pr:
        raise WrongUsage("this server has no pull requests", hint="commit to a branch: create it, then commit")
    store = place.desk.store
    room = Room(store.root, serving(request).spare)
    room.insist(int(request.headers.get("content-length", 0)))
    await run_in_threadpool(make_folder, store.layout.incoming)
    with TemporaryFile(dir=store.layout.incoming) as body:
        await each_piece(request, room, body.write)
        room.insist(body.tell())  # its files are written once more
        body.seek(0)
        made = await MAKING.run(place.caller.id, _commit, request, place, revision, body)
    if made.told:
        response.headers["X-HF-Warning"] = as_header(f"adapterhub; no version was published: {made.told}")
    return wire.committed(f"{url_of(request)}/{place.name}", made.oid)


def _commit(request: Request, place: Place, branch: str, body: BinaryIO) -> Committed:
    who = holder(request, place.caller.id)  # a body may take hours, and a token end meanwhile
    seen(place.desk, who, place.name)
    who.insist_write(place.name)
    check_lines(body)
    return commit(place.desk, place.name, branch, read_lines(split(body)), may_claim(request))

"""/api/models/…/commit: a branch moves on."""

from tempfile import TemporaryFile
from typing import Any, BinaryIO

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from adapterhub.durable import make_folder
from adapterhub.errors import WrongUsage
from adapterhub.protocols.hf_hub import wire
from adapterhub.protocols.hf_hub.commit_lines import read_lines, split
from adapterhub.server.access import may_claim, url_of
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Place, Writable
from adapterhub.verbs.hub_commit import Committed, commit

router = APIRouter()


@router.post("/api/models/{namespace}/{repository}/commit/{revision}")
async def send_commit(
    request: Request, response: Response, place: Writable, revision: Segment, create_pr: bool = False
) -> dict[str, Any]:
    """Take the lines of a commit, and make it. The body lies in a file without a name meanwhile."""
    if create_pr:
        raise WrongUsage("this server has no pull requests", hint="commit to a branch: create it, then commit")
    incoming = place.desk.store.layout.incoming
    await run_in_threadpool(make_folder, incoming)
    with TemporaryFile(dir=incoming) as body:
        async for piece in request.stream():
            await to_thread.run_sync(body.write, piece)
        body.seek(0)
        made = await run_in_threadpool(_commit, request, place, revision, body)
    if made.told:
        response.headers["X-HF-Warning"] = _header(f"adapterhub; no version was published: {made.told}")
    return wire.committed(f"{url_of(request)}/{place.name}", made.oid)


def _commit(request: Request, place: Place, branch: str, body: BinaryIO) -> Committed:
    return commit(place.desk, place.name, branch, read_lines(split(body)), may_claim(request))


def _header(text: str) -> str:
    return " ".join(text.encode("ascii", "replace").decode().split())[:500]

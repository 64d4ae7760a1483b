"""/api/models/{repository}: what a repository is, at main or at a revision."""

from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request

from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Place, Readable
from adapterhub.store.history.commit import Commit
from adapterhub.verbs.hub_front import is_known, said
from adapterhub.verbs.hub_look import find
from adapterhub.verbs.hub_model import model

router = APIRouter()
REPO = "/api/models/{namespace}/{repository}"
READING = CapacityLimiter(1)
"""Cards that nobody asked for before, read at once: the longest takes seconds, and who waits holds no common thread."""

Blobs = Annotated[bool, Query()]


def expand_of(request: Request) -> list[str]:
    """The fields that are asked for: `expand` and `expand[]`, repeated or joined by commas."""
    words = [*request.query_params.getlist("expand"), *request.query_params.getlist("expand[]")]
    return [part for word in words for part in word.split(",") if part]


@router.get(REPO)
async def info_of_main(request: Request, place: Readable, blobs: Blobs = False) -> dict[str, Any]:
    """The repository as it is now."""
    return await _told(request, place, "main", blobs)


@router.get(f"{REPO}/revision/{{revision}}")
async def info_of_revision(
    request: Request, place: Readable, revision: Segment, blobs: Blobs = False
) -> dict[str, Any]:
    """The repository at a revision."""
    return await _told(request, place, revision, blobs)


async def _told(request: Request, place: Place, revision: str, blobs: bool) -> dict[str, Any]:
    oid, commit = await to_thread.run_sync(find, place.desk, place.name, revision)
    if not is_known(commit):
        await to_thread.run_sync(said, place.desk, commit, limiter=READING)
    return await to_thread.run_sync(_plain, request, place, oid, commit, blobs)


def _plain(request: Request, place: Place, oid: str, commit: Commit, blobs: bool) -> dict[str, Any]:
    found = model(place.desk, place.name, place.info, oid, commit)
    if names := expand_of(request):
        return found.expanded(names)
    return {
        **found.plain(blobs=blobs),
        **({"securityRepoStatus": None} if "securityStatus" in request.query_params else {}),
    }

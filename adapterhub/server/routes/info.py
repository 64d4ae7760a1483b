"""/api/models/{repository}: what a repository is, at main or at a revision."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Place, Readable
from adapterhub.verbs.hub_history import find
from adapterhub.verbs.hub_model import model

router = APIRouter()
REPO = "/api/models/{namespace}/{repository}"

Blobs = Annotated[bool, Query()]


def expand_of(request: Request) -> list[str]:
    """The fields that are asked for: `expand` and `expand[]`, repeated or joined by commas."""
    words = [*request.query_params.getlist("expand"), *request.query_params.getlist("expand[]")]
    return [part for word in words for part in word.split(",") if part]


@router.get(REPO)
def info_of_main(request: Request, place: Readable, blobs: Blobs = False) -> dict[str, Any]:
    """The repository as it is now."""
    return _told(request, place, "main", blobs)


@router.get(f"{REPO}/revision/{{revision}}")
def info_of_revision(request: Request, place: Readable, revision: Segment, blobs: Blobs = False) -> dict[str, Any]:
    """The repository at a revision."""
    return _told(request, place, revision, blobs)


def _told(request: Request, place: Place, revision: str, blobs: bool) -> dict[str, Any]:
    found = model(place.desk, place.name, place.info, *find(place.desk, place.name, revision))
    if names := expand_of(request):
        return found.expanded(names)
    return {
        **found.plain(blobs=blobs),
        **({"securityRepoStatus": None} if "securityStatus" in request.query_params else {}),
    }

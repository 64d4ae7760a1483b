"""/api/models/…/commits: what was done, the newest first."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from adapterhub.protocols.hf_hub import wire
from adapterhub.server.paging import page
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Readable
from adapterhub.verbs.hub_look import find

router = APIRouter()
MOST = 100
"""Commits of a page."""


@router.get("/api/models/{namespace}/{repository}/commits/{revision}")
def commits(
    request: Request,
    response: Response,
    place: Readable,
    revision: Segment,
    limit: Annotated[int, Query(ge=1)] = MOST,
    cursor: str = "",
) -> list[dict[str, Any]]:
    """The commits a revision has come through."""
    oid, _ = find(place.desk, place.name, revision)
    log = place.desk.store.history.log(place.name, cursor or oid)
    rows = ((id, wire.commit_row(id, made.title, made.message, made.time, made.by)) for id, made in log)
    return [row for _, row in page(request, response, rows, min(limit, MOST), lambda item: item[0])]

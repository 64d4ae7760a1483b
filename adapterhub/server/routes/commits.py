"""/api/models/…/commits: what was done, the newest first."""

from itertools import dropwhile
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from adapterhub.protocols.hf_hub import wire
from adapterhub.server.paging import page
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Readable
from adapterhub.verbs.hub_history import find

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
    log = place.desk.store.history.log(place.name, oid)
    rest = dropwhile(lambda item: bool(cursor) and item[0] != cursor, log)
    shown = page(request, response, rest, min(limit, MOST), lambda item: item[0])
    return [wire.commit_row(id, made.title, made.message, made.time, made.by) for id, made in shown]

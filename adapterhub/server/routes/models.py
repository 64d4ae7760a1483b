"""/api/models: what there is, for who may see it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from adapterhub.server.access import caller, desk
from adapterhub.server.paging import link_next
from adapterhub.server.routes.info import expand_of
from adapterhub.verbs.hub_list import Asked, after, alternatives, cursor, listed

router = APIRouter()
MOST = 1000
"""Repositories of a page, and how many come where nobody says."""

USUAL = 100


class Wanted(BaseModel):
    """What is looked for; `filter` holds words and lists of words, each of which must hold."""

    search: str = ""
    author: str = ""
    filter: list[str] = []
    pipeline_tag: str = ""
    library: str = ""
    limit: Annotated[int, Field(ge=0)] = USUAL
    cursor: str = ""
    full: bool = False
    gated: bool = False


@router.get("/api/models")
def models(request: Request, response: Response, wanted: Annotated[Wanted, Query()]) -> list[dict[str, Any]]:
    """Repositories with a version, the latest published first."""
    words, count = [part for word in wanted.filter for part in word.split(",")], min(wanted.limit, MOST)
    asked = Asked(
        text=wanted.search,
        author=wanted.author,
        words=alternatives([*words, wanted.pipeline_tag, wanted.library]),
        namespaces=caller(request).sees,
        limit=count + 1,
        after=after(wanted.cursor),
    )
    if wanted.gated or not count:
        return []
    expand = expand_of(request)
    found = listed(desk(request), asked, full=wanted.full or "adapterhub" in expand)
    if len(found) > count:
        link_next(request, response, cursor(found[count - 1][0]))
    return [model.expanded(expand) if expand else model.plain(blobs=False) for _, model in found[:count]]

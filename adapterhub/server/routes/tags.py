"""/api/models/…/tag: a tag that can be a version is one, and alias/… an alias."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Writable
from adapterhub.verbs import hub_refs

router = APIRouter()
REPO = "/api/models/{namespace}/{repository}"


class Tag(BaseModel):
    """A tag's name, and a word about it that is not kept. Of an alias, the version it is expected to mean now, "" for
    none: it moves in one step, which clients of other Hubs do not know of."""

    tag: str
    message: str | None = None
    expect: str | None = None


@router.post(f"{REPO}/tag/{{revision}}")
def tag(place: Writable, revision: Segment, asked: Tag) -> dict[str, Any]:
    """Tag a revision."""
    hub_refs.tag(place.desk, place.name, asked.tag, revision, expect=asked.expect)
    return {}


@router.delete(f"{REPO}/tag/{{tag}}")
def untag(place: Writable, tag: Segment) -> dict[str, Any]:
    """Take a tag away."""
    hub_refs.untag(place.desk, place.name, tag)
    return {}

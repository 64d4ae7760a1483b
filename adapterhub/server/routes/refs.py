"""/api/models/…/refs, …/branch: which branches and tags there are; new branches, dropped ones, squashed ones."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from adapterhub.protocols.hf_hub import wire
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Readable, Writable
from adapterhub.verbs.hub_look import all_tags
from adapterhub.verbs.hub_refs import branch as make
from adapterhub.verbs.hub_refs import drop_branch, squash

router = APIRouter()
REPO = "/api/models/{namespace}/{repository}"


class Start(BaseModel):
    """Where a branch begins; without it, where main is."""

    startingPoint: str | None = None


class Said(BaseModel):
    """What the commit that replaces a history says of itself."""

    message: str = ""


@router.get(f"{REPO}/refs")
def refs(place: Readable, include_prs: bool = False) -> dict[str, Any]:
    """All branches and tags."""
    branches = place.desk.store.history.branches(place.name)
    return wire.refs(branches, all_tags(place.desk, place.name), pulls=include_prs)


@router.post(f"{REPO}/branch/{{branch}}")
def new_branch(place: Writable, branch: Segment, start: Start | None = None) -> dict[str, Any]:
    """Another branch."""
    make(place.desk, place.name, branch, start.startingPoint if start else None)
    return {}


@router.delete(f"{REPO}/branch/{{branch}}")
def gone_branch(place: Writable, branch: Segment) -> dict[str, Any]:
    """One branch less."""
    drop_branch(place.desk, place.name, branch)
    return {}


@router.post(f"{REPO}/super-squash/{{branch}}")
def squashed(place: Writable, branch: Segment, said: Said | None = None) -> dict[str, Any]:
    """One commit in place of all of a branch."""
    return {"commitOid": squash(place.desk, place.name, branch, said.message if said else "")}

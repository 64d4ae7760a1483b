"""/api/repos/…: repositories are made, moved and deleted; …/settings says who may see one."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from adapterhub.errors import Conflict, WrongUsage
from adapterhub.protocols.hf_hub.answers import RepoNotFound
from adapterhub.reference import Name
from adapterhub.server.access import Caller, caller, desk, url_of
from adapterhub.server.errors import answer
from adapterhub.server.reach import Owned, Place, Readable, name_of, seen
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_repos import create, delete, move, set_private

router = APIRouter()


class RepoAsked(BaseModel):
    """A repository in a body, and who may see it: newer clients send `visibility`, older ones `private`."""

    name: str
    organization: str | None = None
    type: str | None = "model"
    visibility: Literal["private", "public"] | None = None
    private: bool | None = None


class Moved(BaseModel):
    """A repository's name, and the one it is to have."""

    fromRepo: str
    toRepo: str
    type: str | None = "model"


class RepoSettings(BaseModel):
    """What is to be so; what is left out stays as it is."""

    visibility: Literal["private", "public"] | None = None
    private: bool | None = None
    gated: str | bool | None = None


def _name(asked: RepoAsked, who: Caller) -> Name:
    _check_type(asked.type)
    return name_of(f"{asked.organization}/{asked.name}" if asked.organization else asked.name, who.home)


def _check_type(kind: str | None) -> None:
    if kind not in (None, "model"):
        raise WrongUsage(f"this server keeps models, got the type {kind!r:.40}", hint="leave the type out")


def _seen(at: Desk, who: Caller, name: Name) -> Place:
    return Place(at, name, seen(at, who, name), who)


@router.post("/api/repos/create")
def create_repository(request: Request, asked: RepoAsked) -> Any:
    """A new repository, private unless it is to be public; one that is there is a conflict that tells its address."""
    who = caller(request)
    who.insist_known()
    name = _name(asked, who)
    who.insist_write(name)
    private = asked.visibility != "public" and asked.private is not False
    if not private:
        who.insist_public(name)
    url = f"{url_of(request)}/{name}"
    try:
        create(desk(request), name, private=private)
    except Conflict as error:
        return answer(error, request.method, url=url)
    return {"url": url, "name": str(name), "id": str(name)}


@router.delete("/api/repos/delete")
def delete_repository(request: Request, asked: RepoAsked) -> dict[str, Any]:
    """Away with a repository and all its versions."""
    who, at = caller(request), desk(request)
    who.insist_known()
    place = _seen(at, who, _name(asked, who))
    who.insist_admin(place.name)
    delete(at, place.name)
    return {}


@router.post("/api/repos/move")
def move_repository(request: Request, asked: Moved) -> dict[str, Any]:
    """Another name for a repository."""
    who, at = caller(request), desk(request)
    who.insist_known()
    _check_type(asked.type)
    place, to = _seen(at, who, name_of(asked.fromRepo, who.home)), name_of(asked.toRepo, who.home)
    who.insist_admin(place.name)
    who.insist_admin(to)
    move(at, place.name, to)
    return {"url": f"{url_of(request)}/{to}"}


@router.put("/api/models/{namespace}/{repository}/settings")
def change_settings(place: Owned, asked: RepoSettings) -> dict[str, Any]:
    """Who may see a repository."""
    if asked.gated not in (None, False, "false"):
        raise WrongUsage("this server has no gates", hint="make the repository private")
    private = asked.private if asked.visibility is None else asked.visibility == "private"
    if private is not None:
        set_private(place.desk, place.name, private)
    return {"private": place.info.private if private is None else private}


@router.get("/api/models/{namespace}/{repository}/auth-check")
def may_read(place: Readable) -> dict[str, bool]:
    """Whether the caller may read it; who may not is told that there is none."""
    return {"ok": True}


@router.get("/api/models/{namespace}/{repository}/auth-check/write")
def may_write(place: Readable) -> dict[str, bool]:
    """Whether the caller may write to it."""
    place.caller.insist_write(place.name)
    return {"ok": True}


@router.get("/api/models/{repository}")
def without_namespace(repository: str) -> JSONResponse:
    """Every repository here has a namespace."""
    raise RepoNotFound(f"{repository[:100]}: no repository here is without a namespace", hint="write namespace/name")

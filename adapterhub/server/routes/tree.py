"""/api/models/…/tree and …/paths-info: what lies at a revision."""

from itertools import dropwhile
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from adapterhub.protocols.hf_hub import wire
from adapterhub.protocols.hf_hub.answers import EntryNotFound
from adapterhub.server.paging import page
from adapterhub.server.raw_path import FilePath, Segment
from adapterhub.server.reach import Place, Readable
from adapterhub.store.history.commit import Commit
from adapterhub.verbs.hub_look import find
from adapterhub.verbs.hub_model import stored

router = APIRouter()
REPO = "/api/models/{namespace}/{repository}"
MOST = 1000
"""Rows of a page."""

Row = dict[str, Any]


class TreeAsked(BaseModel):
    """How much of a tree is wanted, and from which path on."""

    recursive: bool = False
    expand: bool = False
    limit: Annotated[int, Field(ge=1)] = MOST
    cursor: str = ""


Question = Annotated[TreeAsked, Query()]


@router.get(f"{REPO}/tree/{{revision}}")
def root(request: Request, response: Response, place: Readable, revision: Segment, asked: Question) -> Any:
    """The files and folders at the root, or all below it."""
    return _page(request, response, _rows(place, revision, "", asked), asked)


@router.get(f"{REPO}/tree/{{revision}}/{{path:path}}")
def below(
    request: Request, response: Response, place: Readable, revision: Segment, path: FilePath, asked: Question
) -> Any:
    """The files and folders of one folder."""
    rows = _rows(place, revision, path, asked)
    if not rows:
        raise EntryNotFound(f"{place.name}: {path}: no such folder at {revision}", hint="look at its parent")
    return _page(request, response, rows, asked)


def _page(request: Request, response: Response, rows: list[Row], asked: TreeAsked) -> Any:
    rest = dropwhile(lambda row: row["path"] < asked.cursor, rows)
    return page(request, response, rest, min(asked.limit, MOST), lambda row: str(row["path"]))


def _rows(place: Place, revision: str, folder: str, asked: TreeAsked) -> list[Row]:
    oid, commit = find(place.desk, place.name, revision)
    rows = wire.rows(map(stored, commit.files), folder, recursive=asked.recursive)
    return [_expanded(row, oid, commit) for row in rows] if asked.expand else rows


def _expanded(row: Row, oid: str, commit: Commit) -> Row:
    """A row with its last commit; which one that is would take the whole history, so it is the one that was asked."""
    last = {"id": oid, "title": commit.title, "date": wire.moment(commit.time)}
    return {**row, "lastCommit": last}


class Paths(BaseModel):
    """The paths that are asked about."""

    paths: list[str] = []
    expand: bool = False


KINDS = ("application/json", "application/x-www-form-urlencoded")
BODY = {"content": {kind: {"schema": Paths.model_json_schema()} for kind in KINDS}}


async def _paths(request: Request) -> Paths:
    """What is asked: the client for JavaScript sends JSON, huggingface_hub a form."""
    try:
        if request.headers.get("content-type", "").startswith(KINDS[0]):
            return Paths.model_validate_json(await request.body())
        form = await request.form()
        return Paths.model_validate({"paths": form.getlist("paths"), "expand": form.get("expand", False)})
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


@router.post(f"{REPO}/paths-info/{{revision}}", openapi_extra={"requestBody": BODY})
def paths_info(place: Readable, revision: Segment, asked: Annotated[Paths, Depends(_paths)]) -> list[Row]:
    """The rows of these paths; of those that are not there, none."""
    oid, commit = find(place.desk, place.name, revision)
    wanted = {path.strip("/") for path in asked.paths}
    rows = [row for row in wire.rows(map(stored, commit.files), "", recursive=True) if row["path"] in wanted]
    return [_expanded(row, oid, commit) for row in rows] if asked.expand else rows

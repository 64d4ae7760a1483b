"""/api/models/…/preupload: how each file is to be sent, and what lies in its place."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from adapterhub.errors import WrongUsage
from adapterhub.protocols.hf_hub import wire
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Writable
from adapterhub.verbs.hub_history import find

router = APIRouter()
LONGEST = 8192
"""Characters of a sample: base64 of the first 512 bytes, and clients that send more."""


class Offered(BaseModel):
    """A file a client has: where it is to lie, how large it is, how it begins."""

    path: str
    size: Annotated[int, Field(ge=0)]
    sample: Annotated[str, Field(max_length=LONGEST)] = ""


class Upload(BaseModel):
    """The files of a commit that is being prepared."""

    files: Annotated[list[Offered], Field(max_length=10_000)]
    gitIgnore: str | None = None


@router.post("/api/models/{namespace}/{repository}/preupload/{revision}")
def preupload(place: Writable, revision: Segment, asked: Upload) -> dict[str, Any]:
    """Large files are sent before the commit, by LFS; the others in it."""
    _, commit = find(place.desk, place.name, revision)
    there = {file.path: file for file in commit.files}
    return {"files": [_answer(file, there.get(file.path)) for file in asked.files]}


def _answer(file: Offered, there: Any) -> dict[str, Any]:
    try:
        sample = base64.b64decode(file.sample, validate=True)
    except (binascii.Error, ValueError):
        raise WrongUsage(f"{file.path[:200]}: the sample is no base64", hint="send the first 512 bytes so") from None
    oid = (there.sha256 if there.large else there.sha1) if there else None
    return wire.preuploaded(file.path, large=wire.is_large(file.path, file.size, sample), ignored=False, oid=oid)

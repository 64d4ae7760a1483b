"""/api/models/…/preupload: how each file is to be sent, and what lies in its place."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from adapterhub.errors import WrongUsage
from adapterhub.protocols.hf_hub import wire
from adapterhub.protocols.hf_hub.answers import TooLarge
from adapterhub.protocols.hf_hub.ignored import Ignored
from adapterhub.server.access import serving
from adapterhub.server.raw_path import Segment
from adapterhub.server.reach import Place, Writable
from adapterhub.server.room import Room
from adapterhub.store.history.commit import TreeFile
from adapterhub.verbs.hub_look import find

router = APIRouter()
IGNORE, LARGEST_IGNORE = ".gitignore", 1 << 20
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
def preupload(request: Request, place: Writable, revision: Segment, asked: Upload) -> dict[str, Any]:
    """Large files are sent before the commit, by LFS or Xet; the others in it.

    A client that sends chunks hears only here that the disk has no room for a file.
    """
    _, commit = find(place.desk, place.name, revision)
    there = {file.path: file for file in commit.files}
    ignored = Ignored.of(_kept_here(place, there.get(IGNORE)) if asked.gitIgnore is None else asked.gitIgnore)
    comes = [file for file in asked.files if not ignored.has(file.path)]
    for file in comes:
        _insist_taken(file, serving(request).largest)
    fresh = [file.size for file in comes if file.path not in there or there[file.path].size != file.size]
    Room(place.desk.store.root, serving(request).spare).insist(sum(fresh))
    return {"files": [_answer(file, there.get(file.path), ignored.has(file.path)) for file in asked.files]}


def _insist_taken(file: Offered, largest: int) -> None:
    if file.size > largest:
        raise TooLarge(
            f"{file.path[:200]}: {file.size} bytes; this server takes files of at most {largest}",
            hint="whoever runs it sets how large a file may be: serve --largest",
        )


def _kept_here(place: Place, file: TreeFile | None) -> str:
    """The rules that lie in the repository: they hold where a client sends none."""
    if file is None or file.size > LARGEST_IGNORE:
        return ""
    return place.desk.store.blobs.read(file.blob, IGNORE).decode(errors="replace")


def _answer(file: Offered, there: TreeFile | None, ignored: bool) -> dict[str, Any]:
    try:
        sample = base64.b64decode(file.sample, validate=True)
    except (binascii.Error, ValueError):
        raise WrongUsage(f"{file.path[:200]}: the sample is no base64", hint="send the first 512 bytes so") from None
    large = wire.is_large(file.path, file.size, sample)
    return wire.preuploaded(file.path, large=large, ignored=ignored, oid=there.etag if there else None)

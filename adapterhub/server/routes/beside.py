"""Questions that stand beside the others: is this card well formed, what is in this file's header; what is not here."""

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from adapterhub.errors import NotFound
from adapterhub.protocols.hf_hub.answers import EntryNotFound, RepoNotFound
from adapterhub.protocols.hf_hub.card import faults_of
from adapterhub.server.access import caller
from adapterhub.server.errors import plain
from adapterhub.server.headers import READING, read_header
from adapterhub.server.raw_path import FilePath
from adapterhub.server.reach import Place, Readable
from adapterhub.verbs.hub_history import find

router = APIRouter()
READS = ["GET", "HEAD"]
LOOKING = CapacityLimiter(1)
"""Cards that are looked at, at once: YAML of the size that is read takes a second, and anybody may ask."""


class Yaml(BaseModel):
    """A card that is to be looked at."""

    content: str
    repoType: str | None = "model"


@router.post("/api/validate-yaml", dependencies=[Depends(caller)])
async def validate(asked: Yaml) -> JSONResponse:
    """Whether a card's front matter can be read. A token is not asked for where reading wants none: the Hub's own
    client sends none with a card alone."""
    faults = await to_thread.run_sync(faults_of, asked.content, limiter=LOOKING)
    errors = [{"message": plain(fault)} for fault in faults]
    return JSONResponse({"errors": errors, "warnings": []}, 400 if faults else 200)


@router.get("/api/models/{namespace}/{repository}/safetensors-metadata/{path:path}")
async def header(place: Readable, path: FilePath) -> dict[str, Any]:
    """The header of a safetensors file on main: every tensor's type, shape and place."""
    return await to_thread.run_sync(_header, place, path, limiter=READING)


def _header(place: Place, path: str) -> dict[str, Any]:
    _, commit = find(place.desk, place.name, "main")
    file = commit.file(path)
    if file is None or not path.endswith(".safetensors"):
        raise EntryNotFound(f"{place.name}: {path}: no such safetensors file", hint="its tree tells what there is")
    found, data = read_header(place.desk, file)
    tensors = {
        name: {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": [tensor.start - data, tensor.end - data],
        }
        for name, tensor in found.tensors.items()
    }
    return {"index": {"metadata": found.metadata}, "headers": {path: {"__metadata__": found.metadata, **tensors}}}


@router.api_route("/{repository}/resolve/{revision}/{path:path}", methods=READS, include_in_schema=False)
@router.api_route("/datasets/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/spaces/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/api/datasets/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/api/spaces/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/api/kernels/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/api/models/{repository}/{rest:path}", methods=READS, include_in_schema=False)
def elsewhere(request: Request) -> Any:
    """What has no namespace, and what is no model, is not here."""
    parts = request.url.path.split("/")
    if parts[1:3] == ["api", "models"] and len(parts) > 5:
        raise NotFound("this server has no such address", hint="see /openapi.json for what it answers")
    hint = "write namespace/name; an adapter whose namespace is called as this address begins has no page here"
    raise RepoNotFound("this server keeps models, each with a namespace", hint=hint)

"""Questions that stand beside the others: is this card well formed, what is in this file's header; what is not here."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from adapterhub.errors import NotFound
from adapterhub.formats import safetensors_header
from adapterhub.protocols.hf_hub.answers import EntryNotFound, RepoNotFound
from adapterhub.protocols.hf_hub.card_faults import faults_of
from adapterhub.server.raw_path import FilePath
from adapterhub.server.reach import Readable
from adapterhub.verbs.hub_history import find

router = APIRouter()
READS = ["GET", "HEAD"]
INDEX = "model.safetensors.index.json"


class Yaml(BaseModel):
    """A card that is to be looked at."""

    content: str
    repoType: str | None = "model"


@router.post("/api/validate-yaml")
def validate(asked: Yaml) -> JSONResponse:
    """Whether a card's front matter can be read."""
    faults = faults_of(asked.content)
    return JSONResponse({"errors": [{"message": fault} for fault in faults], "warnings": []}, 400 if faults else 200)


@router.get("/api/models/{namespace}/{repository}/safetensors-metadata/{path:path}")
def header(place: Readable, path: FilePath) -> dict[str, Any]:
    """The header of a safetensors file on main: every tensor's type, shape and place."""
    _, commit = find(place.desk, place.name, "main")
    file = commit.file(path)
    if file is None or not path.endswith(".safetensors"):
        raise EntryNotFound(f"{place.name}: {path}: no such safetensors file", hint="its tree tells what there is")
    with place.desk.store.blob(file.blob) as stream:
        found = safetensors_header.read(stream, file.size, path)
        data = _begin(stream)
    tensors = {
        name: {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": [tensor.start - data, tensor.end - data],
        }
        for name, tensor in found.tensors.items()
    }
    return {"index": {"metadata": found.metadata}, "headers": {path: {"__metadata__": found.metadata, **tensors}}}


def _begin(stream: Any) -> int:
    """Where the data of a safetensors file begins."""
    stream.seek(0)
    return 8 + int.from_bytes(stream.read(8), "little")


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
    raise RepoNotFound("this server keeps models, each with a namespace", hint="write namespace/name")

"""What is in the header of a file: its tensors, without their values."""

from typing import Any

from anyio import to_thread
from fastapi import APIRouter

from adapterhub.protocols.hf_hub.answers import EntryNotFound
from adapterhub.server.headers import READING, read_header
from adapterhub.server.raw_path import FilePath
from adapterhub.server.reach import Place, Readable
from adapterhub.verbs.hub_look import find

router = APIRouter()


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

"""What a Hub has and this server has not: it says so, in a Hub's words."""

from typing import Any

from fastapi import APIRouter, Request

from adapterhub.errors import NotFound
from adapterhub.protocols.hf_hub.answers import RepoNotFound

router = APIRouter()
READS = ["GET", "HEAD"]


@router.api_route("/{repository}/resolve/{revision}/{path:path}", methods=READS, include_in_schema=False)
@router.api_route("/datasets/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/spaces/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/api/datasets/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/api/spaces/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/api/kernels/{rest:path}", methods=READS, include_in_schema=False)
@router.api_route("/api/models/{repository}/{rest:path}", methods=READS, include_in_schema=False)
def absent(request: Request) -> Any:
    """What has no namespace, and what is no model, is not here."""
    parts = request.url.path.split("/")
    if parts[1:3] == ["api", "models"] and len(parts) > 5:
        raise NotFound("this server has no such address", hint="see /openapi.json for what it answers")
    hint = "write namespace/name; an adapter whose namespace is called as this address begins has no page here"
    raise RepoNotFound("this server keeps models, each with a namespace", hint=hint)

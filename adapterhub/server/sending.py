"""How a file leaves the server: by itself, by an nginx in front, or by a bucket; one place for every route."""

from fastapi import Request
from fastapi.responses import Response

from adapterhub.manifest import File
from adapterhub.server.access import common
from adapterhub.server.blob import Given, give

__all__ = ["send"]


def send(request: Request, file: Given, more: dict[str, str] | None = None) -> Response:
    """A file the caller may have; `more` are further headers."""
    accelerated = common(request).serving.accelerated
    return give(request.method, request.headers, file, more or {}, accelerated=accelerated, link=_link(request, file))


def _link(request: Request, file: Given) -> str | None:
    """Where a bucket has a blob."""
    redirects = common(request).redirects
    if redirects is None or not file.blob or request.method != "GET":
        return None
    return redirects.link(File(path=file.path.name, size=file.size, sha256=file.path.name))

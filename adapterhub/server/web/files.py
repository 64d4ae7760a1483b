"""The files that pages load: a style, a script, an icon. Read once, and kept by browsers until they change."""

from pathlib import Path

from fastapi import Request
from fastapi.responses import Response

from adapterhub.digest import Digest
from adapterhub.errors import NotFound

__all__ = ["STAMP", "static"]

KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FILES = {path.name: path.read_bytes() for path in sorted(Path(__file__).with_name("static").iterdir())}
STAMP = Digest.of(b"".join(FILES.values())).hex[:12]
"""What pages name the files by: another one when a file is another."""

FOR_EVER = "public, max-age=31536000, immutable"


def static(request: Request, file: str) -> Response:
    """A file; kept for ever where it was asked for by its stamp."""
    if file not in FILES:
        raise NotFound(
            f"{file}: no such file",
            hint="pages name the files they load; no adapter of a namespace `static` has a page",
        )
    kept = FOR_EVER if request.query_params.get("v") == STAMP else "no-cache"
    headers = {"Cache-Control": kept, "ETag": f'"{STAMP}"', "X-Content-Type-Options": "nosniff"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    return Response(FILES[file], media_type=KINDS[Path(file).suffix], headers={**headers, **policy})

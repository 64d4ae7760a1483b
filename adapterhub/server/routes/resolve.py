"""/{repository}/resolve/{revision}/{path}: the bytes of a file, as clients and browsers fetch them."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from adapterhub.protocols.hf_hub.answers import EntryNotFound
from adapterhub.server.blob import Given
from adapterhub.server.errors import answer
from adapterhub.server.raw_path import FilePath, Segment
from adapterhub.server.reach import Place, Readable
from adapterhub.server.sending import send
from adapterhub.store.history.commit import Commit
from adapterhub.verbs.hub_extras import extra
from adapterhub.verbs.hub_look import find

router = APIRouter()


@router.get("/{namespace}/{repository}/resolve/{revision}/{path:path}")
@router.head("/{namespace}/{repository}/resolve/{revision}/{path:path}")
@router.get("/{namespace}/{repository}/raw/{revision}/{path:path}")
@router.head("/{namespace}/{repository}/raw/{revision}/{path:path}")
@router.get("/api/resolve-cache/models/{namespace}/{repository}/{revision}/{path:path}")
@router.head("/api/resolve-cache/models/{namespace}/{repository}/{revision}/{path:path}")
def resolve(request: Request, place: Readable, revision: Segment, path: FilePath) -> Response:
    """A file at a revision; the answer names the commit, also where the file is not there."""
    oid, commit = find(place.desk, place.name, revision)
    told = {"X-Repo-Commit": oid, "X-Repo-Id": str(place.name)}
    file = _given(place, commit, path)
    if file is None:
        error = EntryNotFound(f"{place.name}: {path}: no such file at {revision}", hint="its tree tells what there is")
        missing = answer(error, request.method)
        missing.headers.update(told)
        return missing
    return send(request, file, told)


def _given(place: Place, commit: Commit, path: str) -> Given | None:
    store = place.desk.store
    if file := commit.file(path):
        return Given(store.layout.blob(file.blob), path, file.size, file.etag)
    if found := extra(place.desk, place.name, path):
        where, digest = found
        return Given(where, path, where.stat().st_size, digest.hex, blob=False)
    return None

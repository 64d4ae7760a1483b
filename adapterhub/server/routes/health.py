"""/healthz: whether the server answers and its store is there."""

from fastapi import APIRouter, Request

from adapterhub.regular import read_regular
from adapterhub.server.access import common
from adapterhub.store.store import check_layout

router = APIRouter()


@router.get("/healthz")
@router.head("/healthz")
def health(request: Request) -> dict[str, bool]:
    """Good, or an error that says what is not; nothing about the store is told."""
    marker = common(request).desk.store.layout.marker
    check_layout(read_regular(marker), "the store")
    return {"ok": True}

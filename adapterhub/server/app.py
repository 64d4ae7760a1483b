"""The server as an ASGI app: the routes of every part, over one store."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

from fastapi import APIRouter, FastAPI

from adapterhub.server import errors
from adapterhub.server.access import Common
from adapterhub.server.claims import Claims
from adapterhub.server.limits import Limits
from adapterhub.server.links import Links
from adapterhub.server.log import Log, tell
from adapterhub.server.raw_path import RawPath
from adapterhub.server.redirects import Redirects
from adapterhub.server.routes.table import ROUTES
from adapterhub.server.settings import Serving
from adapterhub.server.tokens import Keyring
from adapterhub.server.warming import Warming
from adapterhub.server.web.people import ForPeople
from adapterhub.store.blobs import BlobFiles
from adapterhub.verbs.desk import Desk

__all__ = ["make_app"]

RENEW = 30.0
TITLE = "adapterhub"


def make_app(desk: Desk, serving: Serving) -> Any:
    """The ASGI app that serves a store; the store is made where there is none."""
    desk.store.create()
    app = FastAPI(
        title=TITLE,
        description="A registry of adapters that speaks the protocol of the Hugging Face Hub.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    store = desk.store
    redirects = Redirects.at(serving.redirect, BlobFiles(store.blobs)) if serving.redirect else None
    links, claims, warming = Links.of(store), Claims(store.layout), Warming(desk)
    app.state.common = Common(desk, serving, Keyring(store), links, claims, warming, redirects)
    errors.install(app)
    for module in ROUTES.values():
        router = import_module(f"adapterhub.server.routes.{module}").router
        assert isinstance(router, APIRouter)
        app.include_router(router)
    return Log(ForPeople(RawPath(Limits(app, serving)), serving))


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    claims = app.state.common.claims
    await _renew(claims)
    renewing = asyncio.create_task(_renew_always(claims))
    await asyncio.to_thread(app.state.common.warming.begin)
    yield
    renewing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await renewing


async def _renew_always(claims: Claims) -> None:
    """Keep what was uploaded from being swept, as long as the server runs."""
    while True:
        await asyncio.sleep(RENEW)
        await _renew(claims)


async def _renew(claims: Claims) -> None:
    try:
        await asyncio.to_thread(claims.renew)
    except OSError as error:  # a disk that is full now may have room at the next turn
        tell("renew", fault=f"{type(error).__name__}: {error}")

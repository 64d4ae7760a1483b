"""The pages that people read, and the files those load. What there is to know of an API stands in /openapi.json."""

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.convertors import StringConvertor, register_url_convertor

from adapterhub.digest import Digest
from adapterhub.protocols.hf_hub.answers import EntryNotFound
from adapterhub.server.access import caller, common, desk, url_of
from adapterhub.server.headers import READING
from adapterhub.server.raw_path import FilePath, Segment
from adapterhub.server.reach import Place, Readable
from adapterhub.server.web import files
from adapterhub.server.web.adapter import chosen, shown_at
from adapterhub.server.web.address import is_local
from adapterhub.server.web.bases import known, known_one
from adapterhub.server.web.listing import FILTERS, found
from adapterhub.server.web.look import addresses, page
from adapterhub.server.web.people import CHALLENGE
from adapterhub.server.web.repository import TENSORS, commits, content, crumbs, rows
from adapterhub.verbs.hub_look import find

router = APIRouter(include_in_schema=False)
READS = ["GET", "HEAD"]
FITTING = CapacityLimiter(2)
"""Readers of a base's page at once: what fits it is asked of every adapter there is."""

REPO = "/{namespace}/{repository}"


class _Hex(StringConvertor):
    """A digest in a path: any other word may be an adapter's name."""

    regex = "[0-9a-f]{64}"


register_url_convertor("digest", _Hex())


@router.api_route("/", methods=READS)
def listing(request: Request) -> HTMLResponse:
    """What there is, for who may see it."""
    question = {key: request.query_params.get(key, "").strip() for key in ("q", *FILTERS)}
    cursor = request.query_params.get("cursor", "")
    return page(request, "list", found(desk(request), caller(request), question, cursor))


@router.api_route("/static/{file}", methods=READS)
def static(request: Request, file: Segment) -> Response:
    """A file that pages load."""
    return files.static(request, file)


@router.api_route("/login", methods=READS)
def login(request: Request, next: str = "/") -> Response:
    """Let the browser ask for a token, and go back to where its reader was."""
    if caller(request).known:
        return RedirectResponse(next if is_local(next) else addresses(request).search(), 303)
    asking = page(request, "login", status=401)
    asking.headers["WWW-Authenticate"] = CHALLENGE
    return asking


@router.api_route("/logout", methods=READS)
def logout(request: Request) -> Response:
    """Let the browser forget the token: it does when one is refused."""
    asking = page(request, "logout", status=401)
    asking.headers["WWW-Authenticate"] = CHALLENGE
    return asking


@router.api_route("/bases", methods=READS)
def bases(request: Request) -> HTMLResponse:
    """The bases that are known here."""
    return page(request, "bases", {"bases": known(desk(request), caller(request))})


@router.api_route("/bases/{card:digest}", methods=READS)
async def base(request: Request, card: str) -> HTMLResponse:
    """A base, and what fits it."""
    return await to_thread.run_sync(_base, request, Digest(card), limiter=FITTING)


def _base(request: Request, card: Digest) -> HTMLResponse:
    return page(request, "base", known_one(desk(request), caller(request), card, common(request).warming))


@router.api_route(REPO, methods=READS)
def adapter(request: Request, place: Readable) -> HTMLResponse:
    """An adapter at its newest version."""
    return page(request, "adapter", {"url": url_of(request), **shown_at(place, "")})


@router.api_route(f"{REPO}/tree/{{revision}}", methods=READS)
def adapter_at(request: Request, place: Readable, revision: Segment) -> HTMLResponse:
    """An adapter at a version or another revision."""
    return page(request, "adapter", {"url": url_of(request), **shown_at(place, revision)})


@router.api_route(f"{REPO}/tree/{{revision}}/{{path:path}}", methods=READS)
def folder(request: Request, place: Readable, revision: Segment, path: FilePath) -> HTMLResponse:
    """A folder at a revision."""
    oid, commit = find(place.desk, place.name, revision)
    facts = {"name": place.name, "revision": revision, "oid": oid, "crumbs": crumbs(path)}
    return page(request, "folder", {"files": rows(place.name, commit, path), **facts})


@router.api_route(f"{REPO}/blob/{{revision}}/{{path:path}}", methods=READS)
async def blob(request: Request, place: Readable, revision: Segment, path: FilePath) -> HTMLResponse:
    """A file at a revision: what it is, and its text or its tensors."""
    few = READING if path.endswith(TENSORS) else None
    return await to_thread.run_sync(_blob, request, place, revision, path, limiter=few)


def _blob(request: Request, place: Place, revision: str, path: str) -> HTMLResponse:
    oid, commit = find(place.desk, place.name, revision)
    file = commit.file(path)
    if file is None:
        raise EntryNotFound(f"{place.name}: {path}: no such file at {revision}", hint="its tree tells what there is")
    facts = {"name": place.name, "revision": revision, "oid": oid, "crumbs": crumbs(path), "file": file}
    return page(request, "file", {**facts, **content(place.desk, file)})


@router.api_route(f"{REPO}/commits/{{revision}}", methods=READS)
def history(request: Request, place: Readable, revision: Segment) -> HTMLResponse:
    """What was done, the latest first."""
    _, versions, oid, _ = chosen(place, revision)
    labels = {one["commit"]: one["version"] for one in versions}
    facts = {"name": place.name, "revision": revision, "labels": labels}
    return page(request, "commits", {"commits": list(commits(place.desk, place.name, oid)), **facts})


@router.api_route(f"{REPO}/commit/{{revision}}", methods=READS)
def commit(request: Request, place: Readable, revision: Segment) -> Response:
    """A commit's page is that of its files."""
    oid, _ = find(place.desk, place.name, revision)
    return RedirectResponse(addresses(request).tree(place.name, oid), 302)

"""A page: a template, the caller, and headers under which nothing but this server's own files is loaded."""

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from adapterhub.server.access import Caller, caller, serving
from adapterhub.server.web.address import Addresses
from adapterhub.server.web.card import rendered
from adapterhub.server.web.files import STAMP
from adapterhub.server.web.words import FILTERS, visible

__all__ = ["POLICY", "addresses", "html", "page"]

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization",
}
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    lstrip_blocks=True,
    finalize=visible,
)
TEMPLATES.filters.update(FILTERS, card=rendered)


def addresses(request: Request) -> Addresses:
    """Where the pages of this server are."""
    return Addresses.of(serving(request).public_url)


def page(request: Request, template: str, facts: dict[str, Any] | None = None, status: int = 200) -> HTMLResponse:
    """A page for whoever asks."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    at = addresses(request)
    return HTMLResponse(html(template, at, caller(request), here=f"{at.root}{here}", **(facts or {})), status, HEADERS)


def html(template: str, at: Addresses, who: Caller, **facts: Any) -> str:
    """The text of a page."""
    return TEMPLATES.get_template(f"{template}.html").render(at=at, who=who, stamp=STAMP, **facts)

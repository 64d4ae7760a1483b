"""The address of a page on the Hub, as people copy it out of a browser, as the place it shows.

page := hub "/" org "/" name [ "/" ( "tree" | "blob" | "resolve" | "raw" | "commit" ) "/" revision [ "/" path ] ]
"""

import re
from urllib.parse import unquote, urlsplit

from adapterhub.errors import BadReference, WrongUsage
from adapterhub.protocols.hf_hub.address import Address, parse_address
from adapterhub.protocols.hf_hub.client import home, is_home

__all__ = ["address_of", "is_page"]

PAGE = re.compile(
    r"/(?P<repo>[^/]+/[^/]+)(?:/(?:tree|blob|resolve|raw|commit)/(?P<revision>[^/]+)(?:/(?P<path>.*))?)?/?"
)
ELSEWHERE = re.compile(f"(?P<below>(?:/[^/]+)*?){PAGE.pattern}")


def is_page(word: str) -> bool:
    """Whether a word is an address in the web, perhaps as that of a remote."""
    return word.startswith(("https://", "http://", "hub+https://", "hub+http://"))


def address_of(page: str) -> Address:
    """The place that a page of the usual Hub shows; `WrongUsage` for another server's, `BadReference` for no page."""
    try:
        parts = urlsplit(page.removeprefix("hub+").replace("://hf.co/", "://huggingface.co/", 1))
    except ValueError as error:
        raise BadReference(f"{page} is no address: {error}", hint="write hf:org/name[@revision]") from None
    hub, below = f"{parts.scheme}://{parts.netloc}", urlsplit(home()).path.rstrip("/")
    mine = is_home(hub + below) and parts.path.startswith(f"{below}/")
    found = PAGE.fullmatch(parts.path.removeprefix(below)) if mine else ELSEWHERE.fullmatch(parts.path)
    if found is None:
        raise BadReference(
            f"{page} is no page of a repository",
            hint="write hf:org/name[@revision], or https://huggingface.co/org/name",
        )
    revision = unquote(found["revision"] or "")
    if not mine:
        raise WrongUsage(
            f"{page} is a page of another server than the one that hf: stands for",
            hint=f"adapterhub pull {found['repo']}{'@' if revision else ''}{revision} --from hub+{hub}{found['below']}",
        )
    return parse_address(str(Address(found["repo"], revision or None, unquote(found["path"] or "").strip("/"))))

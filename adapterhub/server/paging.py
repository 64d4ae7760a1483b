"""Long lists a page at a time: the next page's address stands in the header Link."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from fastapi import Request, Response
from starlette.datastructures import URL

from adapterhub.server.access import url_of

__all__ = ["link_next", "page"]

T = TypeVar("T")


def link_next(request: Request, response: Response, cursor: str) -> None:
    """Say where the next page is; the question stays, the cursor is new."""
    asked = URL(str(request.url)).include_query_params(cursor=cursor)
    response.headers["Link"] = f'<{url_of(request)}{asked.path}?{asked.query}>; rel="next"'


def page(request: Request, response: Response, items: Iterator[T], limit: int, key: Callable[[T], str]) -> Sequence[T]:
    """The first items; where there are more, the next page begins with the key of the one after them."""
    found = list(islice(items, limit + 1))
    if len(found) > limit:
        link_next(request, response, key(found[limit]))
    return found[:limit]

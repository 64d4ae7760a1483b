"""Errors as answers: a status, the headers that clients of a Hub read, and {error, hint} as JSON."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from adapterhub.errors import (
    AdapterHubError,
    BadReference,
    Conflict,
    Corrupt,
    DoesNotFit,
    NotFound,
    Refused,
    Unreachable,
    WrongUsage,
)
from adapterhub.protocols.hf_hub.answers import Answered
from adapterhub.system import from_system

__all__ = ["answer", "as_header", "install", "plain", "status_of"]

STATUS: dict[type[AdapterHubError], int] = {
    WrongUsage: 400,
    BadReference: 400,
    NotFound: 404,
    Corrupt: 400,
    DoesNotFit: 400,
    Refused: 400,
    Unreachable: 503,
    Conflict: 409,
}
READS = ("GET", "HEAD")
FULL = 507
"""Insufficient storage."""

LONGEST, SHORT = 2000, 500
"""Characters of a message in a body, and in a header: it may repeat what was sent."""


def status_of(error: AdapterHubError, method: str = "POST") -> int:
    """The status that tells an error: what is corrupt in an answer is our fault, what is corrupt in a body is not."""
    if isinstance(error, Answered):
        return error.status
    if isinstance(error, Corrupt) and method in READS:
        return 500
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def answer(error: AdapterHubError, method: str = "POST", status: int | None = None, **more: Any) -> JSONResponse:
    """The answer for an error; `more` are further fields of its JSON."""
    status = status or status_of(error, method)
    said, hint = plain(str(error)), plain(error.hint)
    headers = {"X-Error-Message": as_header(said), "Cache-Control": "no-store"}
    if isinstance(error, Answered) and error.word:
        headers["X-Error-Code"] = error.word
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="adapterhub"'
    if status == 503:
        headers["Retry-After"] = "5"
    return JSONResponse({"error": said, "hint": hint, **more}, status, headers)


def plain(text: str) -> str:
    """A text as an answer can hold it: not too long, and without half surrogate pairs.

    >>> plain("a" + chr(0xD800)), len(plain("a" * 9000))
    ('a?', 2000)
    """
    return text[:LONGEST].encode(errors="replace").decode()


def as_header(text: str) -> str:
    """A text as a header's value can hold it: one line of what is printed in ASCII."""
    line = " ".join(text[:SHORT].split())
    return "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in line)


def install(app: FastAPI) -> None:
    """Let an app answer every error in this way."""
    app.add_exception_handler(AdapterHubError, _known)
    app.add_exception_handler(OSError, _system)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AdapterHubError)
    return answer(error, request.method)


def _system(request: Request, error: Exception) -> JSONResponse:
    """What the machine refuses: the client is told the kind, never a path of ours."""
    import errno

    assert isinstance(error, OSError)
    request.state.fault = error
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    kind = type(from_system(error))
    told = "the server's disk is full" if full else "the server's disk does not do what was asked"
    return answer(kind(told, hint="tell whoever runs the server"), status=FULL if full else 503)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Where the first fault of a body, a query or a path lies."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    told = WrongUsage(f"{place}: {str(first['msg']).removeprefix('Value error, ')}", hint="see /openapi.json")
    return answer(told, status=400 if first["loc"][:1] == ("path",) else 422)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, AdapterHubError):  # while a body was read
        return answer(error.__cause__, request.method)
    told = AdapterHubError(str(error.detail), hint="see /openapi.json for what this server answers")
    response = answer(told, status=error.status_code)
    response.headers.update(error.headers or {})
    return response


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """A fault of ours: the log has it, the client gets the request's id to ask about."""
    told = AdapterHubError("a fault of the server", hint=f"tell its admin the request id {request.state.id}")
    return answer(told, status=500)

"""What the Hub's client says when it cannot, as one of our errors."""

import contextlib
from collections.abc import Iterator
from typing import Any, final

from adapterhub.errors import AdapterHubError, BadReference, Conflict, Corrupt, NotFound, Refused, Unreachable

__all__ = ["OFFLINE", "TOKEN", "Moved", "Taken", "asking", "fault"]

TOKEN = "log in with `hf auth login`, or set HF_TOKEN to a token that may do this"
LATER = "is the server running, the network there, the address (HF_ENDPOINT, or the remote's) right? Try again later"
PLAIN = "nothing speaks HTTPS there: is it http://… (a remote's URL: hub+http://…)?"
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""What OpenSSL calls an answer in the clear; which of them hangs on its version."""
OFFLINE = "leave --offline and HF_HUB_OFFLINE out, or give a folder that lies here"
LONGEST = 500


class Moved(Conflict):
    """The branch has moved since the commit that was built on (HTTP 412)."""


class Taken(Conflict):
    """A repository, a branch or a tag of this name is there (HTTP 409)."""


@contextlib.contextmanager
def asking(what: str, login: str = TOKEN, *, known: bool = True) -> Iterator[None]:
    """Errors of the client inside become ours.

    `what` names the place that was asked for, `login` says how one gets a token, `known` whether one was sent.
    """
    import httpx2
    from huggingface_hub import errors

    ours = _Meant(what, login, known)
    told = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, errors.OfflineModeIsEnabled,
            errors.LocalTokenNotFoundError, errors.HFValidationError, errors.EntryNotFoundError)  # fmt: skip
    try:
        yield
    except told as error:
        raise ours.of(error) from None
    except RuntimeError as error:  # an upload in a thread of the client's
        if not isinstance(error.__cause__, told):
            raise
        raise ours.of(error.__cause__) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # no JSON, or without what every answer has
        raise Corrupt(
            f"{what}: the answer makes no sense: {str(error)[:LONGEST]}", hint="is that address (HF_ENDPOINT) a Hub's?"
        ) from None


def fault(response: Any, what: str, login: str = TOKEN, *, known: bool = True) -> AdapterHubError:
    """The error of ours that an answer means, which was read by another client than huggingface_hub."""
    import httpx2
    from huggingface_hub.utils import hf_raise_for_status

    try:
        hf_raise_for_status(response)
    except httpx2.HTTPError as error:
        return _Meant(what, login, known).of(error)
    return Corrupt(f"{what}: HTTP {response.status_code} was not expected", hint="is that address a Hub's?")


@final
class _Meant:
    def __init__(self, what: str, login: str, known: bool) -> None:
        self.what, self.login, self.known = what, login, known

    def of(self, error: BaseException) -> AdapterHubError:
        from huggingface_hub import errors

        if isinstance(error, errors.OfflineModeIsEnabled):
            return Unreachable(f"{self.what}: not asked, since the network is switched off", hint=OFFLINE)
        if isinstance(error, errors.HFValidationError):
            return BadReference(f"{self.what}: {error}", hint="write hf:[org/]name[@revision], for example hf:gpt2")
        if isinstance(error, errors.LocalTokenNotFoundError):
            return Refused(f"{self.what}: no token is known here", hint=self.login)
        return self._named(error) or self._status(error)

    def _named(self, error: BaseException) -> AdapterHubError | None:
        """What a Hub tells apart by a word."""
        from huggingface_hub import errors

        if isinstance(error, errors.GatedRepoError):
            first = "accept its terms on its page on the Hub with your account"
            return Refused(
                f"{self.what}: its owner gives access only to those who asked for it",
                hint=f"{first}; then {self.login}",
            )
        if isinstance(error, errors.RevisionNotFoundError):
            hint = "a revision is a branch, a tag or a commit of the repository"
            return NotFound(f"{self.what}: no such revision", hint=hint)
        if isinstance(error, errors.RepositoryNotFoundError):
            seen = "or one that this token may not see" if self.known else "or a private one, and no token was sent"
            hint = f"is the name right? If it is private, {self.login}"
            return NotFound(f"{self.what}: no such repository, {seen}", hint=hint)
        if isinstance(error, errors.EntryNotFoundError):
            return NotFound(f"{self.what}: no such file there", hint="look at the files on the repository's page")
        return None

    def _status(self, error: BaseException) -> AdapterHubError:
        from huggingface_hub import errors

        response = getattr(error, "response", None) if isinstance(error, errors.HfHubHTTPError) else None
        status = response.status_code if response is not None else None
        said, hint = _said(response) if response is not None else ("", "")
        told = f"{self.what}: HTTP {status}{f' ({said})' if said else ''}"
        if status == 404:
            return NotFound(f"{told}, there is no such thing", hint=hint or "is the name right, the address a Hub's?")
        if status == 401:
            why = "the token that was sent is not valid there" if self.known else "no token was sent"
            return Refused(f"{told}, access is not permitted: {why}", hint=self.login)
        if status in (403, 451) or isinstance(error, errors.DisabledRepoError):
            return Refused(f"{told}, access is not permitted", hint=hint or self.login)
        if status in (409, 412):
            kind = Moved if status == 412 else Taken
            return kind(told, hint=hint or "somebody else was first: look again, then decide")
        if status in (400, 413, 422, 507):
            return Refused(told, hint=hint or "the Hub does not take it as it is")
        if status is not None:
            return Unreachable(f"{self.what}: the Hub answered HTTP {status}{f' ({said})' if said else ''}", hint=LATER)
        hint = PLAIN if any(word in str(error) for word in NO_TLS) else LATER
        return Unreachable(f"{self.what}: {str(error) or type(error).__name__}", hint=hint)


def _said(response: Any) -> tuple[str, str]:
    """What a Hub says about an error in words, and the hint of one of ours."""
    try:
        body = response.json()
    except Exception:  # a stream that was not read, a page, nothing at all
        body = {}
    body = body if isinstance(body, dict) else {}
    told, hint = body.get("error") or response.headers.get("X-Error-Message"), body.get("hint")
    return (told[:LONGEST] if isinstance(told, str) else ""), (hint[:LONGEST] if isinstance(hint, str) else "")

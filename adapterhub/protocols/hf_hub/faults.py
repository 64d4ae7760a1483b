"""What the Hub's client says when it cannot, as one of our errors."""

import contextlib
from collections.abc import Iterator

from adapterhub.errors import AdapterHubError, BadReference, Corrupt, NotFound, Refused, Unreachable

__all__ = ["asking"]

LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token that may read it"
LATER = "is the network there, the address (HF_ENDPOINT) right? Try again later"
OFFLINE = "leave --offline and HF_HUB_OFFLINE out, or download the model and give its folder"


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """Errors of the client inside become ours; `what` names the place that was asked for."""
    import httpx2
    from huggingface_hub import errors

    known = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, errors.OfflineModeIsEnabled,
             errors.LocalTokenNotFoundError, errors.HFValidationError, errors.EntryNotFoundError)  # fmt: skip
    try:
        yield
    except known as error:
        raise _meant(error, what) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # no JSON, or without what every answer has
        raise Corrupt(f"{what}: the answer makes no sense: {str(error)[:200]}", hint="is HF_ENDPOINT a Hub?") from None


def _meant(error: Exception, what: str) -> AdapterHubError:
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return Unreachable(f"{what}: not asked, since the network is switched off", hint=OFFLINE)
    if isinstance(error, errors.HFValidationError):
        return BadReference(f"{what}: {error}", hint="write hf:[org/]name[@revision], for example hf:gpt2")
    if isinstance(error, errors.LocalTokenNotFoundError):
        return Refused(f"{what}: no token is known here", hint=LOGIN)
    if isinstance(error, errors.GatedRepoError):
        page = "accept its terms on its page on the Hub with your account"
        return Refused(f"{what}: its owner gives access only to those who asked for it", hint=f"{page}; then {LOGIN}")
    if isinstance(error, errors.RevisionNotFoundError):
        return NotFound(f"{what}: no such revision", hint="a revision is a branch, a tag or a commit of the repository")
    if isinstance(error, errors.RepositoryNotFoundError):
        return NotFound(
            f"{what}: no such repository, or a private one", hint=f"is the name right? If it is private, {LOGIN}"
        )
    if isinstance(error, errors.EntryNotFoundError):
        return NotFound(f"{what}: no such file there", hint="look at the files on the repository's page")
    return _status(error, what)


def _status(error: Exception, what: str) -> AdapterHubError:
    from huggingface_hub import errors

    response = getattr(error, "response", None) if isinstance(error, errors.HfHubHTTPError) else None
    status = response.status_code if response is not None else None
    if status == 404:
        return NotFound(f"{what}: HTTP 404, there is no such thing", hint="is the name right? Is HF_ENDPOINT a Hub?")
    if status in (401, 403, 451) or isinstance(error, errors.DisabledRepoError):
        return Refused(f"{what}: HTTP {status}, access is not permitted", hint=LOGIN)
    if status is not None:
        return Unreachable(f"{what}: the Hub answered HTTP {status}", hint=LATER)
    return Unreachable(f"{what}: {str(error) or type(error).__name__}", hint=LATER)

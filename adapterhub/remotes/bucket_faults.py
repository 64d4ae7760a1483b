"""What a bucket's refusals mean. Its own words may repeat keys and signatures, so only codes are passed on."""

import contextlib
import re
from collections.abc import Iterator

from adapterhub.errors import AdapterHubError, NotFound, Refused, Unreachable

__all__ = ["CREDENTIALS", "asking", "no_bucket", "status_of"]

CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (`aws configure export-credentials "
    "--format env` prints those of a profile), or AWS_SKIP_SIGNATURE=true for a bucket that is public",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""Scheme -> how whoever asks shows who he is."""

NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
UNKNOWN = ("169.254.169.254", "metadata", "token request", "Account must be specified")
"""What stands in the words of a client that found no keys and asked the machine it runs on."""

REDIRECTED = "Received redirect without LOCATION"


@contextlib.contextmanager
def asking(url: str, path: str) -> Iterator[None]:
    """The errors of obstore as ours, about one object of a bucket."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError, ValueError) as error:
        raise _meant(error, url, f"{url}/{path}" if path else url) from None


def status_of(error: Exception) -> int:
    """The HTTP status in an error of obstore; 0 where there was no answer."""
    found = re.search(r"status code: (\d{3})", _words(error))
    return int(found[1]) if found else 0


def no_bucket(error: Exception) -> bool:
    """Whether not only the object is missing."""
    return _code(_words(error)) in NO_BUCKET


def _code(words: str) -> str:
    found = re.search(r"<Code>(\w{1,60})</Code>", words)
    return found[1] if found else ""


def _words(error: Exception) -> str:
    return str(error).partition("\n\nDebug source:")[0]


def _meant(error: Exception, url: str, what: str) -> AdapterHubError:
    from obstore.exceptions import NotSupportedError, PermissionDeniedError, UnauthenticatedError

    words, status = _words(error), status_of(error)
    code = _code(words) or (f"HTTP {status}" if status else "")
    login = CREDENTIALS.get(url.partition(":")[0], "")
    if no_bucket(error):
        return NotFound(
            f"{url}: there is no such bucket", hint="create it first; is its address right, and its server's?"
        )
    if isinstance(error, FileNotFoundError) or status == 404:
        return NotFound(f"{what}: there is no such object", hint="is the address right, and is the registry complete?")
    if any(word in words for word in UNKNOWN):
        return Refused(f"{url}: no credentials were found", hint=login)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or status in (401, 403):
        return Refused(f"{what}: access is not permitted ({code})", hint=f"ask whoever keeps the bucket; {login}")
    if isinstance(error, NotSupportedError) or status == 501:
        return Refused(f"{what}: the bucket's server cannot do what is asked", hint="use another server for the bucket")
    why = "it is in another region" if REDIRECTED in words else code or _last(words)
    return Unreachable(
        f"{what}: {why}",
        hint="is its server running, its address right, and its region? What arrived is kept: run the command again",
    )


def _last(words: str) -> str:
    """The end of an error that no answer caused: what broke, without the request."""
    return "".join(filter(str.isprintable, words.rpartition(" - ")[2]))[:200]

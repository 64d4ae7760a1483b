"""What a bucket's refusals mean. Its own words may repeat keys and signatures, so only codes are passed on."""

import contextlib
import re
from collections.abc import Iterator

from adapterhub.errors import AdapterHubError, Corrupt, NotFound, Refused, Unreachable

__all__ = ["CREDENTIALS", "asking", "no_bucket", "status_of"]

CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (`aws configure export-credentials "
    "--format env` prints those of a profile), or AWS_SKIP_SIGNATURE=true for a bucket that is public",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""Scheme -> how whoever asks shows who he is."""

NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "InvalidBucketName")
UNKNOWN = ("169.254.169.254", "metadata", "token request", "Account must be specified")
"""What stands in the words of a client that found no keys and asked the machine it runs on."""

ODD = "Encountered object with invalid path"
WHOLE = "non-partial response"
REDIRECTED = "Received redirect without LOCATION"
REGIONS = ("AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException")
CLOCK = ("RequestTimeTooSkewed", "RequestExpired")
KEYS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "TokenRefreshRequired")
ROOM = ("QuotaExceeded", "QuotaExceededException", "XMinioStorageFull")

CAUSES = {
    "ConnectionRefused": "nobody answers there",
    "dns error": "no machine has this name",
    "InvalidCertificate": "its certificate is not trusted",
    "InvalidContentType": "it does not speak HTTPS",
    "TimedOut": "it did not answer in time",
}
"""What stands in an error that no answer caused: why there was none."""


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
    words, status = _words(error), status_of(error)
    code = _code(words) or (f"HTTP {status}" if status else "")
    if no_bucket(error):
        return NotFound(
            f"{url}: there is no such bucket", hint="create it first; is its address right, and its server's?"
        )
    if isinstance(error, FileNotFoundError) or status == 404:
        return NotFound(f"{what}: there is no such object", hint="is the address right, and is the registry complete?")
    if refused := _refused(error, url, what, code):
        return refused
    if code in REGIONS or REDIRECTED in words:
        found = re.search(r"<Region>([a-z0-9-]{1,40})</Region>", words)
        where = f": {found[1]}" if found else ""
        return Unreachable(f"{url}: it is in another region{where}", hint="set AWS_REGION to the bucket's region")
    if ODD in words:
        return Corrupt(
            f"{what}: below it lies an object whose name no registry gives: {_last(words)}",
            hint="delete that object with a tool of the bucket's; nothing can be listed before",
        )
    if not status:
        return _silent(error, url, what)
    return Unreachable(f"{what}: {code}", hint="try again later; whole files that arrived there are kept")


def _refused(error: Exception, url: str, what: str, code: str) -> Refused | None:
    """What trying again does not mend."""
    from obstore.exceptions import NotSupportedError, PermissionDeniedError, UnauthenticatedError

    login, status = CREDENTIALS.get(url.partition(":")[0], ""), status_of(error)
    if any(word in _words(error) for word in UNKNOWN):
        return Refused(f"{url}: no credentials were found", hint=login)
    if code in CLOCK:
        return Refused(
            f"{what}: this machine's clock and the server's differ ({code})", hint="set this machine's clock"
        )
    if code in KEYS:
        return Refused(f"{what}: the credentials are not accepted ({code})", hint=f"they are wrong, or over: {login}")
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or status in (401, 403):
        return Refused(f"{what}: access is not permitted ({code})", hint=f"ask whoever keeps the bucket; {login}")
    if code in ROOM or status == 507:
        return Refused(f"{what}: the bucket is full ({code})", hint="ask whoever keeps it for room")
    if WHOLE in _words(error):
        return Refused(f"{what}: its server does not send ranges", hint="use another server for the bucket")
    if isinstance(error, NotSupportedError) or status in (405, 501):
        return Refused(
            f"{what}: the server cannot do what is asked ({code})", hint="is it a server of buckets, at its address?"
        )
    return None


def _silent(error: Exception, url: str, what: str) -> Unreachable:
    """What to say where there was no answer: which server was asked, and what broke, without the request."""
    words, whole = _words(error), str(error)
    asked = re.search(r" https?://(?:[^/@\s]*@)?([\w.:\[\]-]+)", words)
    why = next((told for sign, told in CAUSES.items() if sign in whole), "") or _last(words)
    word = "AWS_ENDPOINT_URL" if url.startswith("s3:") else "the address"
    return Unreachable(
        f"{what}: {asked[1]}: {why}" if asked else f"{what}: {why}",
        hint=f"is {word} right, and the server running? Whole files that arrived there are kept: run the command again",
    )


def _last(words: str) -> str:
    """The end of an error: what broke."""
    return "".join(filter(str.isprintable, words.rpartition(" - ")[2]))[:200]

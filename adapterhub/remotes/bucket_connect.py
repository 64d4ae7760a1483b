"""The way to a bucket: what its address may be, and how connections to its server are made."""

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from adapterhub.errors import BadReference, Refused, WrongUsage
from adapterhub.remotes.bucket_faults import asking

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

__all__ = ["READING", "WRITING", "check_address", "connect"]

READING = "60s"
"""How long an answer may take, with all its bytes: a range is small, or has come to be large on a quick line."""

WRITING = "1800s"
"""How long a part may be on its way up: on a slow line several share it."""

TRIES = 4
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
FAMILIES = {"s3": "AWS", "gs": "GOOGLE", "az": "AZURE"}
CLIENT = ("allow_http", "allow_invalid_certificates", "proxy_url", "timeout", "connect_timeout")
"""What the environment may say of connections, under the family's name: AWS_ALLOW_HTTP …"""

NO = ("", "0", "false", "no", "off", "n", "f")


def check_address(url: str) -> str:
    """The URL without slashes at its end; `BadReference` for a prefix that would lead elsewhere than it looks."""
    url = url.rstrip("/")
    path = unquote(urlsplit(url).path)
    if any(piece in ("", ".", "..") for piece in path.split("/")[1:]):
        raise BadReference(
            f"{url}: its prefix has an empty piece, or `.` or `..`", hint="write scheme://bucket/prefix, plainly"
        )
    return url


def connect(url: str, patience: str) -> "ObjectStore":
    """What lies below a URL; nothing is asked yet. No answer may take longer than `patience`."""
    try:
        from obstore.store import from_url
    except ImportError as error:
        raise Refused(
            f"{url}: buckets need {error.name}, which is not installed", hint="pip install 'adapterhub[s3]'"
        ) from None
    if url.startswith("s3:"):
        _check_endpoint()
    backoff = {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2}
    retry: RetryConfig = {"max_retries": TRIES, "retry_timeout": timedelta(minutes=3), "backoff": backoff}  # type: ignore[typeddict-item]
    with asking(url, ""):
        return from_url(url, retry_config=retry, client_options=_client(url.partition(":")[0], patience))


def _client(scheme: str, patience: str) -> "ClientConfig":
    """How connections are made: as the environment says, else so."""
    said = {word: os.environ.get(f"{FAMILIES[scheme]}_{word.upper()}") for word in CLIENT}
    options: Any = {
        "timeout": patience,
        "connect_timeout": "10s",
        **{word: value for word, value in said.items() if value},
    }
    found: ClientConfig = options
    return found


def _check_endpoint() -> None:
    """`WrongUsage` for an address of a server that cannot be one; it is not repeated, since it may hold a password."""
    for word in ENDPOINTS:
        if not (value := os.environ.get(word)):
            continue
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            good = None
        if not good:
            raise WrongUsage(f"{word} is no address of a server", hint=f"export {word}=https://host[:port]")
        if parts.scheme == "http" and os.environ.get("AWS_ALLOW_HTTP", "").lower() in NO:
            raise WrongUsage(
                f"{word} begins with http://, which sends everything in the clear",
                hint="if that is meant: export AWS_ALLOW_HTTP=true",
            )

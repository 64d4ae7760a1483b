"""The objects of a bucket: whole, by ranges, and written under conditions. obstore does the talking."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, final
from urllib.parse import urlsplit

from adapterhub.errors import Corrupt, Refused, WrongUsage
from adapterhub.regular import LARGEST
from adapterhub.remotes.bucket_faults import asking, no_bucket, status_of

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutResult, UpdateVersion
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

__all__ = ["READERS", "Objects"]

READERS = 16
"""Objects read at once: each keeps its reader waiting for some tens of milliseconds."""

TRIES = 4
PART = 8 << 20
"""Bytes of a part of a large upload."""

PARTS = 9000
"""A few less than the most parts any server takes."""

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
FAMILIES = {"s3": "AWS", "gs": "GOOGLE", "az": "AZURE"}
CLIENT = ("allow_http", "allow_invalid_certificates", "proxy_url", "timeout", "connect_timeout")
"""What the environment may say of connections, under the family's name: AWS_ALLOW_HTTP …"""

NO = ("", "0", "false", "no", "off", "n", "f")


@final
@dataclass
class Objects:
    """The objects below one URL, scheme://bucket[/prefix]. What a call has written, everybody sees."""

    url: str

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")

    @cached_property
    def _store(self) -> "ObjectStore":
        try:
            from obstore.store import from_url
        except ImportError as error:
            raise Refused(
                f"{self.url}: buckets need {error.name}, which is not installed", hint="pip install 'adapterhub[s3]'"
            ) from None
        if self.url.startswith("s3:"):
            _check_endpoint()
        backoff = {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2}
        retry: RetryConfig = {"max_retries": TRIES, "retry_timeout": timedelta(minutes=3), "backoff": backoff}  # type: ignore[typeddict-item]
        with asking(self.url, ""):
            return from_url(self.url, retry_config=retry, client_options=_client(self.url.partition(":")[0]))

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """Threads for single requests; what runs in them waits for nobody else in them."""
        return ThreadPoolExecutor(READERS)

    def find(self, path: str, largest: int = LARGEST) -> "tuple[bytes, UpdateVersion] | None":
        """An object of at most so many bytes, and which state of it that is; None where there is none."""
        import obstore

        with asking(self.url, path):
            try:
                got = obstore.get(self._store, path)
            except FileNotFoundError as error:
                if no_bucket(error):
                    raise
                return None
            meta = got.meta
            if meta["size"] > largest:
                raise Corrupt(
                    f"{self.url}/{path}: {meta['size']} bytes, no such document is that large",
                    hint="is the address that of a registry? Tell whoever keeps the bucket",
                )
            return bytes(got.bytes()), _state(meta)

    def read(self, path: str, largest: int = LARGEST) -> bytes | None:
        """The bytes of a small object; None where there is none."""
        found = self.find(path, largest)
        return found[0] if found else None

    def many(self, paths: Sequence[str], largest: int = LARGEST) -> list[bytes | Corrupt | None]:
        """Small objects, several at once: each one's bytes, what is wrong with it, or None where there is none."""

        def one(path: str) -> bytes | Corrupt | None:
            try:
                return self.read(path, largest)
            except Corrupt as error:
                return error

        return [one(path) for path in paths] if len(paths) < 2 else list(self.pool.map(one, paths))

    def part(self, path: str, start: int, length: int) -> bytes:
        """Some bytes of an object; fewer where it ends, none behind its end."""
        import obstore
        from obstore.exceptions import BaseError

        with asking(self.url, path):
            try:
                return bytes(obstore.get_range(self._store, path, start=start, length=length))
            except BaseError as error:
                if status_of(error) != 416:
                    raise
                return b""

    def size(self, path: str) -> int | None:
        """Bytes of an object; None where there is none."""
        import obstore

        with asking(self.url, path):
            try:
                return obstore.head(self._store, path)["size"]
            except FileNotFoundError:
                return None

    def keys(self, folder: str) -> Iterator[str]:
        """The paths of all objects below a folder, in no promised order."""
        import obstore

        with asking(self.url, folder):
            for page in obstore.list(self._store, folder):
                yield from (str(meta["path"]) for meta in page)

    def top(self) -> list[str]:
        """What lies directly below the URL: folders and objects."""
        import obstore

        with asking(self.url, ""):
            found = obstore.list_with_delimiter(self._store)
            return sorted([*found["common_prefixes"], *(str(meta["path"]) for meta in found["objects"])])

    def write(self, path: str, data: bytes) -> "UpdateVersion":
        """Write a small object, whatever is there; the state it has now."""
        import obstore

        with asking(self.url, path):
            return _state(obstore.put(self._store, path, data, use_multipart=False))

    def create(self, path: str, data: bytes) -> bool:
        """Write a small object where there is none; False where there is."""
        return self.swap(path, data, None) is not None

    def swap(self, path: str, data: bytes, before: "UpdateVersion | None") -> "UpdateVersion | None":
        """Write a small object if it is in this state, or not there; the state it has now, None where it was not so."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with asking(self.url, path):
            try:
                return _state(obstore.put(self._store, path, data, mode=before or "create", use_multipart=False))
            except (AlreadyExistsError, PreconditionError):
                return None

    def send(self, path: str, pieces: Iterable[bytes], size: int) -> None:
        """Write an object in parts; nothing is there where the pieces end in an error, or this process dies."""
        import obstore

        part = max(PART, -(-size // PARTS))
        with asking(self.url, path):
            obstore.put(self._store, path, iter(pieces), use_multipart=True, chunk_size=part, max_concurrency=4)

    def delete(self, path: str) -> None:
        """Let there be no such object."""
        import obstore

        with asking(self.url, path):
            try:
                obstore.delete(self._store, path)
            except FileNotFoundError:
                return


def _state(told: "ObjectMeta | PutResult") -> "UpdateVersion":
    """Which state of an object a bucket tells of; some kinds have a version, some an ETag, some both."""
    state: UpdateVersion = {}
    if told["e_tag"] is not None:
        state["e_tag"] = told["e_tag"]
    if told["version"] is not None:
        state["version"] = told["version"]
    return state


def _client(scheme: str) -> "ClientConfig":
    """How connections are made: as the environment says, but patient enough for a large part on a slow line."""
    said = {word: os.environ.get(f"{FAMILIES[scheme]}_{word.upper()}") for word in CLIENT}
    options: Any = {
        "timeout": "180s",
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

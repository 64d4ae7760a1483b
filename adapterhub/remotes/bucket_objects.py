"""The objects of a bucket: whole, by ranges, and written under conditions. obstore does the talking."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, cast, final

from adapterhub.errors import Corrupt
from adapterhub.regular import LARGEST
from adapterhub.remotes.bucket_connect import READING, WRITING, check_address, connect
from adapterhub.remotes.bucket_faults import asking, no_bucket, status_of
from adapterhub.remotes.bucket_threads import Threads

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutResult, SignCapableStore, UpdateVersion
    from obstore.store import ObjectStore

__all__ = ["READERS", "Objects"]

READERS = 16
"""Objects read at once: each keeps its reader waiting for some tens of milliseconds."""

PART = 8 << 20
"""Bytes of a part of a large upload."""

PARTS = 9000
"""A few less than the most parts any server takes."""

SOME = 1000
MOST = 20_000_000
"""Objects that are listed; a server can tell of more without end."""

R = TypeVar("R")


@final
@dataclass
class Objects:
    """The objects below one URL, scheme://bucket[/prefix]. What a call has written, everybody sees."""

    url: str

    def __post_init__(self) -> None:
        self.url = check_address(self.url)
        self.pool = Threads(READERS)

    @cached_property
    def _store(self) -> "ObjectStore":
        return connect(self.url, READING)

    @cached_property
    def _sink(self) -> "ObjectStore":
        return connect(self.url, WRITING)

    def _ask(self, path: str, work: Callable[[], R]) -> R:
        """One request about an object."""
        with asking(self.url, path):
            return self.pool.ask(work)

    def find(self, path: str, largest: int = LARGEST) -> "tuple[bytes, UpdateVersion] | None":
        """An object of at most so many bytes, and which state of it that is; None where there is none."""
        import obstore

        def get() -> "tuple[bytes, UpdateVersion] | None":
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

        return self._ask(path, get)

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

        return [one(path) for path in paths] if len(paths) < 2 else self.pool.map(one, paths)

    def part(self, path: str, start: int, length: int) -> bytes:
        """Some bytes of an object; fewer where it ends, none behind its end."""
        import obstore
        from obstore.exceptions import BaseError

        def get() -> bytes:
            try:
                got = obstore.get(self._store, path, options={"range": (start, start + length)})
            except BaseError as error:
                if status_of(error) != 416:
                    raise
                return b""
            data = b""
            for piece in got.stream(min_chunk_size=length):  # not all at once: who knows how much comes
                data = data + bytes(piece) if data else bytes(piece)
                if len(data) > length:
                    raise Corrupt(
                        f"{self.url}/{path}: more than the {length} bytes that were asked for",
                        hint="the server does not do as S3 does: use another for the bucket",
                    )
            return data

        return self._ask(path, get)

    def size(self, path: str) -> int | None:
        """Bytes of an object; None where there is none."""
        import obstore

        def head() -> int | None:
            try:
                return obstore.head(self._store, path)["size"]
            except FileNotFoundError:
                return None

        return self._ask(path, head)

    def sign(self, path: str, seconds: float) -> str:
        """A URL that gives an object to whoever holds it, for so long; whether there is one is not asked."""
        import obstore

        with asking(self.url, path):
            return obstore.sign(cast("SignCapableStore", self._store), "GET", path, timedelta(seconds=seconds))

    def keys(self, folder: str) -> Iterator[str]:
        """The paths of all objects below a folder, in no promised order."""
        import obstore

        pages, left = iter(obstore.list(self._store, folder)), MOST
        while page := self._ask(folder, lambda: next(pages, None)):
            left -= len(page)
            if left < 0:
                raise Corrupt(f"{self.url}/{folder}: more than {MOST} objects", hint="is this the right bucket?")
            yield from (str(meta["path"]) for meta in page)

    def top(self) -> list[str]:
        """What lies directly below the URL, folders and objects; of many, some."""
        return sorted({path.partition("/")[0] for path in islice(self.keys(""), SOME)})

    def write(self, path: str, data: bytes) -> "UpdateVersion":
        """Write a small object, whatever is there; the state it has now."""
        import obstore

        return self._ask(path, lambda: _state(obstore.put(self._sink, path, data, use_multipart=False)))

    def create(self, path: str, data: bytes) -> bool:
        """Write a small object where there is none; False where there is."""
        return self.swap(path, data, None) is not None

    def swap(self, path: str, data: bytes, before: "UpdateVersion | None") -> "UpdateVersion | None":
        """Write a small object if it is in this state, or not there; the state it has now, None where it was not so."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        def put() -> "UpdateVersion | None":
            try:
                return _state(obstore.put(self._sink, path, data, mode=before or "create", use_multipart=False))
            except (AlreadyExistsError, PreconditionError):
                return None

        return self._ask(path, put)

    def send(self, path: str, pieces: Iterable[bytes], size: int) -> None:
        """Write an object in parts; nothing is there where the pieces end in an error, or this process dies.

        After an error the server is told to forget the parts that it has; who dies cannot tell it. For a thread that
        need not be interrupted: it comes to hear of it with the next piece.
        """
        import obstore

        part = max(PART, -(-size // PARTS))
        with asking(self.url, path):
            obstore.put(self._sink, path, iter(pieces), use_multipart=True, chunk_size=part, max_concurrency=4)

    def delete(self, path: str) -> None:
        """Let there be no such object."""
        import obstore

        def delete() -> None:
            with contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store, path)

        self._ask(path, delete)


def _state(told: "ObjectMeta | PutResult") -> "UpdateVersion":
    """Which state of an object a bucket tells of; some kinds have a version, some an ETag, some both."""
    state: UpdateVersion = {}
    if told["e_tag"] is not None:
        state["e_tag"] = told["e_tag"]
    if told["version"] is not None:
        state["version"] = told["version"]
    return state

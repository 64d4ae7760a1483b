"""Reading over HTTP: ranges, retries, errors of ours, and streams that survive a broken connection."""

import io
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from adapterhub.errors import AdapterHubError, Corrupt, NotFound, Refused, Unreachable

if TYPE_CHECKING:
    import httpx2

__all__ = ["Reader", "TooLarge", "http_error"]

TRIES = 5
PAUSE = 0.3
"""Seconds before the second try; doubled for each further one."""

RETRIED = (408, 425, 429, 500, 502, 503, 504)
SMALL = 64 << 20
"""Bytes a document (a manifest, a note) may have."""


WORDS = 1 << 16
"""Bytes of an error's own words that are read."""


class TooLarge(Corrupt):
    """A document larger than any honest one."""


def http_error(status: int, url: str) -> AdapterHubError:
    """The error of ours that an HTTP status means."""
    if status in (404, 410):
        return NotFound(f"{url}: HTTP {status}, there is no such file", hint="check the address; is the site complete?")
    if status in (401, 403):
        return Refused(f"{url}: HTTP {status}, access is not permitted", hint="check the address and your permissions")
    return Unreachable(f"{url}: HTTP {status}", hint="the server has trouble: try again later")


@final
@dataclass
class Reader:
    """Reads files below one URL. Nothing is sent but GET; nothing is trusted: the caller verifies digests.

    `headers` go with every request there; an Authorization among them never goes to another host that an answer sends
    us to. `meant` says what an answer that is an error means.
    """

    url: str
    pause: float = PAUSE
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    meant: "Callable[[httpx2.Response, str], Exception]" = lambda response, url: http_error(response.status_code, url)
    _client: "httpx2.Client | None" = field(default=None, repr=False)

    def client(self) -> "httpx2.Client":
        """The connections, made when they are first asked for."""
        if self._client is None:
            import httpx2

            # No compression: ranges count the bytes of the file itself.
            headers = {"Accept-Encoding": "identity", "User-Agent": "adapterhub", **self.headers}
            self._client = httpx2.Client(headers=headers, timeout=30.0, follow_redirects=True)
            weakref.finalize(self, self._client.close)
        return self._client

    def read(self, path: str, largest: int = SMALL) -> bytes:
        """A document of at most so many bytes; else `TooLarge`."""
        with self.open(path) as stream:
            data = stream.read(largest + 1)
        if len(data) > largest:
            raise TooLarge(
                f"{self.url}/{path}: more than {largest} bytes, no such document is that large",
                hint="is the address that of a registry? Tell whoever runs the site",
            )
        return data

    def open(self, path: str, start: int = 0) -> io.BufferedReader:
        """A stream of a file from `start` on; it reconnects and goes on where it was when the connection breaks."""
        return io.BufferedReader(_Stream(self, f"{self.url.rstrip('/')}/{path}", start), 1 << 16)


@final
class _Stream(io.RawIOBase):
    def __init__(self, reader: Reader, url: str, start: int) -> None:
        self.reader, self.url, self.at = reader, url, start
        self._response: Any = None
        self._chunks: Iterator[bytes] = iter(())
        self._rest = memoryview(b"")
        self._retry(self._connect)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(self._retry(self._next))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self.at += count
        return count

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go elsewhere from the start or from here; the next read asks for a range. The end is not known."""
        if whence not in (0, 1):
            raise io.UnsupportedOperation(f"{self.url}: its end is not known")
        there = offset + (self.at if whence else 0)
        if there != self.at:
            self._forget()
            self.at, self._rest = there, memoryview(b"")
        return there

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
        super().close()

    def _next(self) -> bytes:
        if self._response is None:
            self._connect()
        return next(self._chunks, b"")

    def _retry(self, step: Any) -> Any:
        """Do a step; after a broken connection or a passing fault, connect again at the same byte."""
        import httpx2

        for attempt in range(TRIES):
            try:
                return step()
            except (httpx2.TransportError, _Passing) as error:
                self._forget()
                if attempt == TRIES - 1:
                    raise Unreachable(
                        f"{self.url}: {_told(error)}",
                        hint="is the server running, the address right? What arrived is kept: run the command again",
                    ) from None
                time.sleep(self.reader.pause * 2**attempt)
            except (httpx2.RequestError, httpx2.InvalidURL) as error:  # too many redirects, an odd address
                raise Unreachable(f"{self.url}: {_told(error)}", hint="check the address") from None
        raise AssertionError("unreachable")

    def _forget(self) -> None:
        if self._response is not None:
            with suppress(Exception):
                self._response.close()
        self._response = None

    def _connect(self) -> None:
        client = self.reader.client()
        headers = {"Range": f"bytes={self.at}-"} if self.at else {}
        response = client.send(client.build_request("GET", self.url, headers=headers), stream=True)
        if response.status_code in RETRIED:
            response.close()
            raise _Passing(f"the server answered {response.status_code}")
        if response.status_code == 416:  # nothing after this byte: the caller's digest tells whether that is right
            response.close()
            self._response, self._chunks = response, iter(())
            return
        if response.status_code not in (200, 206):
            _read_words(response)
            raise self.reader.meant(response, self.url)
        self._response = response
        # As they come: gathered into larger chunks, what had come before a break would be lost.
        self._chunks = response.iter_raw()
        if response.status_code == 200 and self.at:
            self._chunks = _after(self._chunks, self.at)


def _read_words(response: "httpx2.Response") -> None:
    """Read what an error says in words, if it says how long that is; the answer is closed then."""
    import httpx2

    length = response.headers.get("Content-Length", "")
    with closing(response), suppress(httpx2.HTTPError):
        if length.isdigit() and int(length) <= WORDS:
            response.read()


class _Passing(Exception):
    """A status that another try may not meet again."""


def _told(error: Exception) -> str:
    """What an error says; the name of its kind only where it says nothing, as time-outs do."""
    return str(error) or type(error).__name__


def _after(chunks: Iterator[bytes], start: int) -> Iterator[bytes]:
    """The chunks without their first `start` bytes: for servers that do not know ranges."""
    for chunk in chunks:
        if start < len(chunk):
            yield chunk[start:]
        start = max(0, start - len(chunk))

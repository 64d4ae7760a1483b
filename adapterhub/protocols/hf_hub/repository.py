"""A model on a Hub as files that are read in part: the headers of weights, never the weights.

One question tells the commit and every file with its size and, where it is stored as a large file, its sha256. What is
read of a file after that is asked for by ranges.
"""

import contextlib
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast, final

from adapterhub.errors import Corrupt, NotFound, Unreachable
from adapterhub.protocols.hf_hub.address import Address
from adapterhub.protocols.hf_hub.faults import OFFLINE, asking

__all__ = ["Remote", "Repository", "downloaded", "open_repository"]

TIMEOUT = 30.0
TRIES = 2
"""How often a question is asked again after a passing fault."""

FIRST = 1024
"""Bytes of a file that are read at first: where a header is long, it says how long there."""

BLOCK = 1 << 20
"""Bytes read at a time of a file whose header does not say how long it is."""


@final
@dataclass(frozen=True)
class Remote:
    """A file of a repository: where it lies, its size, and its sha256 where the Hub tells it."""

    url: str
    size: int
    sha256: str | None = None


@final
@dataclass(frozen=True)
class Repository:
    """The files of one folder of a repository at one commit, by name."""

    address: Address
    files: Mapping[str, Remote]

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.files))

    def size(self, name: str) -> int:
        return self.files[name].size

    def open(self, name: str) -> BinaryIO:
        """A seekable stream that asks for what is read of the file and no more."""
        block = 0 if name.endswith(".safetensors") else BLOCK
        return cast(BinaryIO, _Beginning(self.files[name], f"{self.address}: {name}", block))

    @property
    def digests(self) -> dict[str, str]:
        """The sha256 of the files, as far as the Hub tells them."""
        return {name: file.sha256 for name, file in self.files.items() if file.sha256}


def open_repository(address: Address) -> Repository:
    """The repository at the commit its revision stands for now."""
    from huggingface_hub import HfApi, constants

    with asking(str(address)):
        api = HfApi(
            endpoint=(os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/"), library_name="adapterhub"
        )
        info = api.model_info(address.repo, revision=address.revision, files_metadata=True, timeout=TIMEOUT)
    if not info.sha:
        raise Corrupt(f"{address}: the Hub tells no commit", hint="is HF_ENDPOINT a Hub?")
    fixed = address.at(info.sha)
    found = dict(_below(address.path, info.siblings or ()))
    if address.path and not found:
        raise NotFound(f"{address}: neither a folder nor a file there", hint="look at the repository's page")
    return Repository(fixed, {name: _file(api.endpoint, fixed, file) for name, file in found.items()})


def _below(path: str, siblings: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    """The files of one folder by name; of a path that is a file, that one."""
    for file in siblings:
        folder, _, name = file.rfilename.rpartition("/")
        if path in (folder, file.rfilename):
            yield name, file


def _file(endpoint: str, address: Address, told: Any) -> Remote:
    from huggingface_hub import hf_hub_url

    size = told.size if told.lfs is None else told.lfs.size
    if type(size) is not int or size < 0:
        raise Corrupt(f"{address}: {told.rfilename}: the Hub tells no size", hint="is HF_ENDPOINT a Hub?")
    url = hf_hub_url(address.repo, told.rfilename, revision=address.revision, endpoint=endpoint)
    digest = told.lfs.sha256 if told.lfs is not None else None
    return Remote(url, size, digest if isinstance(digest, str) and len(digest) == 64 else None)


def downloaded(address: Address) -> tuple[Path, str]:
    """The folder that the Hub's client keeps of a repository on this machine, and its commit; nothing is asked."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(address.repo, revision=address.revision, local_files_only=True))
    except (OSError, ValueError):
        raise Unreachable(
            f"{address}: not asked, since the network is switched off, and not downloaded either", hint=OFFLINE
        ) from None
    return folder / address.path, folder.name


@final
class _Beginning(io.RawIOBase):
    """The bytes of a file from its first, fetched as far as somebody reads, and kept."""

    def __init__(self, file: Remote, what: str, block: int) -> None:
        self.file, self.what, self.block = file, what, block
        self._at, self._bytes = 0, bytearray()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self.file.size)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = max(self._at, min(self._at + len(buffer), self.file.size))
        if len(self._bytes) < end and self._at < end:
            self._fetch(min(self.file.size, max(end, FIRST, len(self._bytes) + self.block)))
        piece = self._bytes[self._at : end]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _fetch(self, end: int) -> None:
        """The next bytes up to `end`, from servers that do not know ranges too."""
        from httpx2 import TransportError
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_stream_backoff

        start = len(self._bytes)
        headers = {**build_hf_headers(library_name="adapterhub"), "Range": f"bytes={start}-{end - 1}"}
        headers["Accept-Encoding"] = "identity"  # ranges count the bytes of the file itself
        how: dict[str, Any] = {"headers": headers, "follow_redirects": True, "timeout": TIMEOUT, "max_retries": TRIES}
        with asking(self.what), http_stream_backoff("GET", self.file.url, **how) as response:
            hf_raise_for_status(response)
            skip = 0 if response.status_code == 206 else start
            wanted = end - start
            # A connection that breaks here ends with too few bytes: the client would ask again inside of this `with`.
            with contextlib.suppress(TransportError):
                for chunk in response.iter_raw():
                    kept = chunk[skip:][: wanted - (len(self._bytes) - start)]
                    skip = max(0, skip - len(chunk))
                    self._bytes += kept
                    if len(self._bytes) == end:
                        return
        raise Unreachable(
            f"{self.what}: wanted {wanted} bytes from {start} on, got {len(self._bytes) - start}",
            hint="try again later",
        )

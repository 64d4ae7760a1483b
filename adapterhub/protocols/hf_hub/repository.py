"""A model on a Hub as files that are read in part: the headers of weights, never the weights.

One question tells the commit and every file with its size and, where it is stored as a large file, its sha256. What is
read of a file after that is asked for by ranges.
"""

import contextlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast, final

from adapterhub.errors import Corrupt, NotFound, Unreachable
from adapterhub.protocols.hf_hub.address import Address
from adapterhub.protocols.hf_hub.client import TIMEOUT, Client, quiet, usual
from adapterhub.protocols.hf_hub.faults import OFFLINE

__all__ = ["Reading", "Remote", "Repository", "Tree", "download", "downloaded", "open_repository", "read_tree"]

SHA256 = re.compile("[0-9a-f]{64}")

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


class Reading(Protocol):
    """Reads files by their quoted paths."""

    def read(self, path: str, largest: int = ...) -> bytes: ...

    def open(self, path: str, start: int = 0) -> BinaryIO: ...


@dataclass(frozen=True)
class Tree:
    """All files of a repository at one commit by their path; `info` is what else the Hub told of it."""

    client: Client
    repo: str
    commit: str
    files: Mapping[str, Remote]
    info: Any = field(repr=False, default=None)

    @property
    def place(self) -> str:
        """What the repository is called in errors and notes."""
        return self.client.place(self.repo)

    @cached_property
    def reader(self) -> Reading:
        """Reads its files, by their quoted paths."""
        return self.client.reader(self.repo, self.commit)

    def below(self, folder: str) -> dict[str, Remote]:
        """Every file below a folder, by its path from there."""
        prefix = f"{folder}/" if folder else ""
        return {path[len(prefix) :]: file for path, file in self.files.items() if path.startswith(prefix)}

    def members(self, folder: str, files: Mapping[str, Remote]) -> "Repository":
        """Some of the files of a folder, to be read in part."""
        return Repository(Address(self.repo, self.commit, folder), files, self.client)


@dataclass(frozen=True)
class Repository:
    """The files of one folder of a repository at one commit, by name."""

    address: Address
    files: Mapping[str, Remote]
    client: Client = field(repr=False, default_factory=usual)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.files))

    def size(self, name: str) -> int:
        return self.files[name].size

    def open(self, name: str) -> BinaryIO:
        """A seekable stream that asks for what is read of the file and no more."""
        block = 0 if name.endswith(".safetensors") else BLOCK
        return cast(BinaryIO, _Beginning(self.files[name], f"{self.address}: {name}", block, self.client))

    @property
    def digests(self) -> dict[str, str]:
        """The sha256 of the files, as far as the Hub tells them."""
        return {name: file.sha256 for name, file in self.files.items() if file.sha256}


def read_tree(client: Client, repo: str, revision: str | None = None) -> Tree:
    """What lies in a repository at the commit a revision stands for now: one question."""
    info = client.info(repo, revision, files=True)
    if not isinstance(info.sha, str) or not info.sha:
        raise Corrupt(f"{client.place(repo)}: the Hub tells no commit", hint="is that address (HF_ENDPOINT) a Hub's?")
    found = {file.rfilename: _file(client, repo, info.sha, file) for file in info.siblings or ()}
    return Tree(client, repo, info.sha, found, info)


def open_repository(address: Address, client: Client | None = None) -> Repository:
    """The repository at the commit its revision stands for now."""
    client = client or usual()
    tree = read_tree(client, address.repo, address.revision)
    found = dict(_below(address.path, tree.files))
    if address.path and not found:
        raise NotFound(f"{address}: neither a folder nor a file there", hint="look at the repository's page")
    return Repository(address.at(tree.commit), found, client)


def _below(path: str, files: Mapping[str, Remote]) -> Iterable[tuple[str, Remote]]:
    """The files of one folder by name; of a path that is a file, that one."""
    for there, file in files.items():
        folder, _, name = there.rpartition("/")
        if path in (folder, there):
            yield name, file


def _file(client: Client, repo: str, commit: str, told: Any) -> Remote:
    from huggingface_hub import hf_hub_url

    size = told.size if told.lfs is None else told.lfs.size
    if type(size) is not int or size < 0:
        what = f"{client.place(repo)}: {told.rfilename}"
        raise Corrupt(f"{what}: the Hub tells no size", hint="is that address (HF_ENDPOINT) a Hub's?")
    url = hf_hub_url(repo, told.rfilename, revision=commit, endpoint=client.endpoint)
    digest = told.lfs.sha256 if told.lfs is not None else None
    return Remote(url, size, digest if isinstance(digest, str) and SHA256.fullmatch(digest) else None)


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


def download(found: Repository, names: Iterable[str]) -> Path:
    """Some files of a repository in the cache of the Hub's client, fetched where they are not there; their folder."""
    from glob import escape

    from huggingface_hub import snapshot_download

    address, client = found.address, found.client
    paths = [escape(f"{address.path}/{name}".lstrip("/")) for name in names]
    how: dict[str, Any] = {"endpoint": client.endpoint, "token": client.token or False, "allow_patterns": paths}
    with client.asking(str(address)), quiet():
        folder = Path(snapshot_download(address.repo, revision=address.revision, library_name="adapterhub", **how))
    return folder / address.path


@final
class _Beginning(io.RawIOBase):
    """The bytes of a file from its first, fetched as far as somebody reads, and kept."""

    def __init__(self, file: Remote, what: str, block: int, client: Client) -> None:
        self.file, self.what, self.block, self.client = file, what, block, client
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
        from huggingface_hub.utils import hf_raise_for_status, http_stream_backoff

        start = len(self._bytes)
        headers = {**self.client.headers(), "Range": f"bytes={start}-{end - 1}"}
        headers["Accept-Encoding"] = "identity"  # ranges count the bytes of the file itself
        how: dict[str, Any] = {"headers": headers, "follow_redirects": True, "timeout": TIMEOUT, "max_retries": TRIES}
        with self.client.asking(self.what), http_stream_backoff("GET", self.file.url, **how) as response:
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

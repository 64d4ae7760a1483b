"""A repository as huggingface_hub's cache keeps it: read where it lies, and nothing is asked.

    models--<org>--<name>/refs/<word>          the commit that a branch or a tag meant when it was last asked for
                          snapshots/<commit>/  the files that were downloaded, mostly links to
                          blobs/<id>           their bytes; large ones by their sha256
                          trees/<commit>.json  every file of the commit; written since huggingface_hub 1.33

Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, final
from urllib.parse import unquote

from adapterhub.digest import copy_and_hash
from adapterhub.errors import AdapterHubError, Unreachable
from adapterhub.protocols.hf_hub.address import Address
from adapterhub.protocols.hf_hub.client import Client
from adapterhub.protocols.hf_hub.faults import OFFLINE
from adapterhub.protocols.hf_hub.repository import SHA256, Reading, Remote, Repository, Tree
from adapterhub.regular import LARGEST, open_regular, read_regular

__all__ = ["KeptTree", "kept_tree"]

COMMIT = re.compile("[0-9a-f]{40}")
SHORT = 12
MAIN = "main"
FORMAT = 1
"""Of trees/<commit>.json."""

SMALL = 1 << 20
"""Bytes of a file whose sha256 nobody needs to know before it is read."""


@final
@dataclass(frozen=True)
class KeptTree(Tree):
    """What lies in a repository at a commit. `words` are the branches and tags that meant the commit; `whole` says
    whether all files of the commit are known, which need not all be here."""

    snapshot: Path = Path()
    words: tuple[str, ...] = ()
    whole: bool = True

    @cached_property
    def reader(self) -> Reading:
        """Reads the files that are here, by their quoted paths."""
        return _Reader(self)

    def members(self, folder: str, files: Mapping[str, Remote]) -> Repository:
        """See `Tree.members`."""
        return _Kept(Address(self.repo, self.commit, folder), files, self.client, tree=self)

    def has(self, path: str) -> bool:
        """Whether a file is here."""
        return (self.snapshot / path).is_file()

    def insist(self, paths: Iterable[str]) -> None:
        """`Unreachable` with all that is missing, unless every file is here."""
        if lost := [path for path in paths if not self.has(path)]:
            more = f" and {len(lost) - 8} more" if len(lost) > 8 else ""
            raise Unreachable(
                f"{self.place}: not asked, since the network is switched off, and of commit {self.commit[:SHORT]} "
                f"huggingface_hub's cache lacks {', '.join(lost[:8])}{more}",
                hint=f"while there is a network: hf download {self.repo} --revision {self.commit}; or {OFFLINE}",
            )


def kept_tree(client: Client, repo: str, revision: str | None = None) -> KeptTree:
    """What the cache holds of a repository at the commit that a revision meant when it was last asked for.

    `Unreachable` where it holds nothing.
    """
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")
    commit = _commit(folder, revision or MAIN)
    snapshot = folder / "snapshots" / commit
    if not commit or not snapshot.is_dir():
        word = f" --revision {revision}" if revision else ""
        raise Unreachable(
            f"{client.place(repo, revision)}: not asked, since the network is switched off, "
            "and not in huggingface_hub's cache",
            hint=f"while there is a network: hf download {repo}{word}; or {OFFLINE}",
        )
    listed = _listed(folder / "trees" / f"{commit}.json")
    files = _lying(snapshot) if listed is None else listed
    info, words = SimpleNamespace(last_modified=None), tuple(_words(folder / "refs", commit))
    return KeptTree(client, repo, commit, files, info, snapshot, words, listed is not None)


def _commit(folder: Path, word: str) -> str:
    """The commit a word means; "" where that is not known."""
    if COMMIT.fullmatch(word):
        return word
    try:
        said = (folder / "refs" / word).read_text().strip()
    except (OSError, ValueError):
        return ""
    return said if COMMIT.fullmatch(said) else ""


def _words(refs: Path, commit: str) -> list[str]:
    """The branches and tags that mean a commit. Nothing here tells one from the other."""
    words = (path.relative_to(refs).as_posix() for path in refs.rglob("*") if path.is_file())
    return sorted(word for word in words if _commit(refs.parent, word) == commit)


def _listed(path: Path) -> dict[str, Remote] | None:
    """The files of a commit as its list tells them; None where there is no list that can be read."""
    try:
        said = json.loads(read_regular(path))
        if said["format_version"] != FORMAT:
            return None
        return {name: _file(row) for name, row in said["files"].items() if ".." not in name.split("/")}
    except (AdapterHubError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _file(row: Mapping[str, Any]) -> Remote:
    digest = row.get("lfs_sha256")
    size = row["size"] if digest is None else row["lfs_size"]
    if type(size) is not int or (digest is not None and not SHA256.fullmatch(digest)):
        raise ValueError("not the list of a commit")
    return Remote("", size, digest)


def _lying(snapshot: Path) -> dict[str, Remote]:
    """The files that lie there."""
    paths = (path for path in snapshot.rglob("*") if path.is_file())
    return {path.relative_to(snapshot).as_posix(): Remote("", path.stat().st_size, _digest(path)) for path in paths}


def _digest(path: Path) -> str | None:
    """The sha256 of a large file: what its blob is called, or where it is none, what its bytes say."""
    name = path.resolve().name
    if SHA256.fullmatch(name):
        return name
    if path.stat().st_size <= SMALL:
        return None
    with open_regular(path) as stream:
        return copy_and_hash(stream)[0].hex


@final
@dataclass(frozen=True)
class _Reader:
    tree: KeptTree

    def read(self, path: str, largest: int = LARGEST) -> bytes:
        self.tree.insist([unquote(path)])
        return read_regular(self.tree.snapshot / unquote(path), largest)

    def open(self, path: str, start: int = 0) -> BinaryIO:
        self.tree.insist([unquote(path)])
        stream = open_regular(self.tree.snapshot / unquote(path))
        stream.seek(start)
        return stream


@final
@dataclass(frozen=True, kw_only=True)
class _Kept(Repository):
    tree: KeptTree

    def open(self, name: str) -> BinaryIO:
        path = self.address.path
        there = path if path in self.tree.files else f"{path}/{name}".lstrip("/")
        self.tree.insist([there])
        return open_regular(self.tree.snapshot / there)

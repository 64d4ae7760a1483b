"""A repository's files and history, as pages list them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, final

from adapterhub.errors import AdapterHubError
from adapterhub.protocols.hf_hub.answers import EntryNotFound, TooLarge
from adapterhub.reference import Name
from adapterhub.server.headers import read_header
from adapterhub.store.history.commit import Commit, TreeFile
from adapterhub.verbs.desk import Desk

__all__ = ["Row", "commits", "content", "crumbs", "rows"]

SHOWN = 200_000
"""Bytes of a text that are shown."""

TENSORS = ".safetensors"
SHOWN_TENSORS, SHOWN_METADATA = 2000, 50
COMMITS = 200


@final
@dataclass(frozen=True)
class Row:
    """A file or a folder in a folder; of a folder, `size` is that of all below it."""

    name: str
    path: str
    size: int
    file: TreeFile | None = None
    count: int = 0


def rows(name: Name, commit: Commit, folder: str = "") -> list[Row]:
    """What lies in a folder: folders first, by name. `EntryNotFound` where nothing lies there."""
    prefix = f"{folder}/" if folder else ""
    folders: dict[str, list[TreeFile]] = {}
    found = []
    for file in commit.files:
        inner = file.path.removeprefix(prefix)
        if not file.path.startswith(prefix):
            continue
        first, deeper, _ = inner.partition("/")
        if deeper:
            folders.setdefault(first, []).append(file)
        else:
            found.append(Row(first, file.path, file.size, file))
    if folder and not folders and not found:
        raise EntryNotFound(f"{name}: {folder}: no such folder", hint="look at its parent")
    inside = [
        Row(first, prefix + first, sum(file.size for file in held), count=len(held)) for first, held in folders.items()
    ]
    return sorted(inside, key=lambda row: row.name) + sorted(found, key=lambda row: row.name)


def crumbs(path: str) -> list[tuple[str, str]]:
    """Each part of a path, and the path up to it.

    >>> crumbs("a/b")
    [('a', 'a'), ('b', 'a/b')]
    """
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: at + 1])) for at, part in enumerate(parts)]


def content(desk: Desk, file: TreeFile) -> dict[str, Any]:
    """What can be shown of a file: its tensors, or its text as far as it goes; neither of what is neither or `huge`."""
    nothing = {"tensors": None, "text": None, "cut": False, "huge": False}
    try:
        if file.path.endswith(TENSORS):
            return {**nothing, "tensors": _tensors(desk, file)}
        with desk.store.blob(file.blob) as stream:
            data = stream.read(SHOWN + 1)
    except TooLarge:
        return {**nothing, "huge": True}
    except AdapterHubError:  # the header is broken, or the bytes are damaged: the file can still be asked for
        return nothing
    text = None if b"\0" in data else _text(data[:SHOWN], file.path)
    return {**nothing, "text": text, "cut": text is not None and len(data) > SHOWN}


def _tensors(desk: Desk, file: TreeFile) -> dict[str, Any]:
    header, _ = read_header(desk, file)
    listed = [(name, tensor.dtype, tensor.shape) for name, tensor in sorted(header.tensors.items())]
    metadata = dict(islice(header.metadata.items(), SHOWN_METADATA))
    return {"rows": listed[:SHOWN_TENSORS], "all": len(listed), "metadata": metadata}


def _text(data: bytes, path: str) -> str | None:
    """Text in UTF-8, JSON in lines; None for what is no text."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4:  # else the last character was cut
            return None
        text = data[: error.start].decode()
    if path.endswith(".json") and "\n" not in text.strip():
        try:
            return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return text
    return text


def commits(desk: Desk, name: Name, oid: str) -> Iterator[tuple[str, Commit]]:
    """The commits a revision has come through, the latest first."""
    return islice(desk.store.history.log(name, oid), COMMITS)

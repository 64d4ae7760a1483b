"""What a Hub says of repositories, in JSON: the shapes its clients read. Plain data in and out; nothing is looked up.

Source: the API of huggingface.co as huggingface_hub reads it, https://huggingface.co/.well-known/openapi.json
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

__all__ = [
    "LARGE",
    "Model",
    "Stored",
    "commit_row",
    "committed",
    "is_large",
    "moment",
    "pointer",
    "preuploaded",
    "refs",
    "rows",
]

LARGE = (
    ".safetensors", ".bin", ".gguf", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".onnx", ".h5", ".npz",
    ".npy", ".msgpack", ".model", ".parquet", ".arrow", ".tflite", ".zip", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".zst",
)  # fmt: skip
"""Ends of names that are stored as large files, whatever their size."""

REGULAR = 1 << 20
"""Bytes above which every file is stored as a large one."""


def is_large(path: str, size: int, sample: bytes) -> bool:
    """Whether a file is stored as a large one: by its name, its size, or a zero byte among its first.

    >>> is_large("adapter_config.json", 400, b"{"), is_large("adapter_model.safetensors", 400, b"")
    (False, True)
    """
    return size > 0 and (size > REGULAR or path.lower().endswith(LARGE) or b"\0" in sample)


def pointer(sha256: str, size: int) -> bytes:
    """What git holds in place of a large file. Source: the specification of Git LFS, version 1."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def moment(time: str) -> str:
    """A time as a Hub writes it: milliseconds, in UTC; of what is no time there, the first that computers count from.

    >>> moment("2026-01-02T03:04:05.678901Z"), moment("2026-01-02")
    ('2026-01-02T03:04:05.678Z', '2026-01-02T00:00:00.000Z')
    >>> moment("once"), moment("9999-12-31T23:59:59-10:00")
    ('1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z')
    """
    from datetime import UTC, datetime

    try:
        read = datetime.fromisoformat(time)
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        read = datetime.fromtimestamp(0, UTC)
    return read.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@final
@dataclass(frozen=True)
class Stored:
    """A file of a repository. `oid` is the git id of what git holds of it; `sha256` is there where it is large."""

    path: str
    size: int
    oid: str
    sha256: str = ""

    def _large(self, key: str) -> dict[str, Any]:
        said = {key: self.sha256, "size": self.size, "pointerSize": len(pointer(self.sha256, self.size))}
        return {"lfs": said} if self.sha256 else {}

    def sibling(self, *, blobs: bool) -> dict[str, Any]:
        """The file in the list of a model's files; sizes and digests where they are asked for."""
        if not blobs:
            return {"rfilename": self.path}
        return {"rfilename": self.path, "size": self.size, "blobId": self.oid, **self._large("sha256")}

    def row(self) -> dict[str, Any]:
        """The file in a listing of a folder."""
        return {"type": "file", "oid": self.oid, "size": self.size, "path": self.path, **self._large("oid")}


def rows(files: Iterable[Stored], folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    """A listing of a folder: folders and files in it, or everything below it, by path."""
    prefix = f"{folder}/" if folder else ""
    found: dict[str, dict[str, Any]] = {}
    below: dict[str, list[str]] = {}
    for file in files:
        if not file.path.startswith(prefix):
            continue
        parts = file.path[len(prefix) :].split("/")
        inner = [prefix + "/".join(parts[:count]) for count in range(1, len(parts))]
        for path in inner if recursive else inner[:1]:
            below.setdefault(path, []).append(f"{file.oid} {file.path}")
        if recursive or not inner:
            found[file.path] = file.row()
    found |= {path: {"type": "directory", "oid": _folder_id(held), "path": path} for path, held in below.items()}
    return [found[path] for path in sorted(found)]


def _folder_id(held: list[str]) -> str:
    from adapterhub.digest import Digest

    return Digest.of("\n".join(sorted(held)).encode()).hex[:40]


@final
@dataclass(frozen=True)
class Model:
    """A repository of a model at one commit, as lists and its own page tell it."""

    id: str
    sha: str
    created: str
    modified: str
    private: bool
    tags: tuple[str, ...] = ()
    library: str = ""
    task: str = ""
    card: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[Stored, ...] | None = None
    bases: tuple[str, ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    used: int | None = None
    downloads: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)

    def plain(self, *, blobs: bool = False) -> dict[str, Any]:
        """Everything that is known."""
        said: dict[str, Any] = {
            "_id": _identity(self.id),
            "id": self.id,
            "modelId": self.id,
            "author": self.id.partition("/")[0],
            "sha": self.sha,
            "lastModified": moment(self.modified),
            "createdAt": moment(self.created),
            "private": self.private,
            "gated": False,
            "disabled": False,
            "downloads": self.downloads,
            "likes": 0,
            "tags": list(self.tags),
        }
        rest = {
            "library_name": self.library,
            "pipeline_tag": self.task,
            "cardData": dict(self.card),
            "model-index": self.card.get("model-index"),
            "baseModels": {"relation": "adapter", "models": [{"id": base} for base in self.bases]} if self.bases else 0,
            "safetensors": self._safetensors(),
            "config": dict(self.config),
            "usedStorage": self.used,
        }
        said |= {name: value for name, value in rest.items() if value}
        if self.files is not None:
            said["siblings"] = [file.sibling(blobs=blobs) for file in self.files]
        return said | dict(self.more)

    def expanded(self, names: Iterable[str]) -> dict[str, Any]:
        """Only what is asked for by name, and who it is."""
        said = self.plain()
        return {name: said[name] for name in ("_id", "id", *names) if name in said}

    def _safetensors(self) -> dict[str, Any]:
        return {"parameters": dict(self.parameters), "total": sum(self.parameters.values())} if self.parameters else {}


def _identity(repository: str) -> str:
    from adapterhub.digest import Digest

    return Digest.of(repository.encode()).hex[:24]


def refs(branches: Mapping[str, str], tags: Mapping[str, str], *, pulls: bool = False) -> dict[str, Any]:
    """All branches and tags with the commits they stand for. There are no pull requests."""

    def each(found: Mapping[str, str], kind: str) -> list[dict[str, str]]:
        return [
            {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid} for name, oid in sorted(found.items())
        ]

    asked: dict[str, Any] = {"pullRequests": []} if pulls else {}
    return {"branches": each(branches, "heads"), "converts": [], "tags": each(tags, "tags"), **asked}


def commit_row(oid: str, title: str, message: str, time: str, by: str) -> dict[str, Any]:
    """A commit in a history."""
    return {"id": oid, "title": title, "message": message, "date": moment(time), "authors": [{"user": by or "unknown"}]}


def committed(url: str, oid: str) -> dict[str, Any]:
    """The answer to a commit; `url` is that of the repository."""
    return {"success": True, "commitUrl": f"{url}/commit/{oid}", "commitOid": oid, "hookOutput": ""}


def preuploaded(path: str, *, large: bool, ignored: bool, oid: str | None) -> dict[str, Any]:
    """How a file is to be sent, and what lies there now."""
    there = {"oid": oid} if oid else {}
    return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": ignored, **there}

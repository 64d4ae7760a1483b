"""A checkpoint on disk: where every tensor lies, and which other files belong to the model."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

from adapterhub.base.card import Card, card_of
from adapterhub.base.places import places_of
from adapterhub.base.slices import experts
from adapterhub.base.weights import Weight
from adapterhub.compose.checkpoints.quantised import insist_on_plain
from adapterhub.errors import NotFound
from adapterhub.formats.checkpoint import weight_files
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import FolderMembers

__all__ = ["Checkpoint", "open_checkpoint"]

OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data", ".gguf", ".tflite", ".ot")
OTHER_TABLES = (".bin.index.json", ".h5.index.json", ".msgpack.index.json")


@final
@dataclass(frozen=True)
class Checkpoint:
    """What the headers of a folder say. `places`: the file of every tensor and where in it; `beside`: other files.

    Of the others `stale` hold weights once more, and `odd` are no files: links to nothing or to folders, pipes.
    """

    folder: Path
    card: Card
    config: Mapping[str, Any]
    model_type: str | None
    index: str | None
    shards: tuple[str, ...]
    places: Mapping[str, tuple[str, TensorInfo]]
    beside: tuple[str, ...]
    stale: tuple[str, ...]
    odd: tuple[str, ...]

    def find(self, tensor: str) -> TensorInfo | None:
        """A tensor, if the checkpoint has it."""
        return self.places[tensor][1] if tensor in self.places else None

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return sum(info.end - info.start for _, info in self.places.values())

    def setting(self, field: str) -> Any:
        """A field of the config, or of the part of it that describes the language model."""
        inner = self.config.get("text_config")
        return self.config.get(field, inner.get(field) if isinstance(inner, dict) else None)

    @cached_property
    def experts(self) -> dict[str, Weight]:
        """Experts that lie one by one, as parameters that hold all; those of such parameters, one by one."""
        hidden, weights = self.setting("hidden_size"), self.card.weights
        sliced = experts(weights, hidden if type(hidden) is int else None)
        return {name: weight for name, weight in sliced if name not in weights}

    @cached_property
    def identity(self) -> list[list[str | int]]:
        """The files by name, length, place and times of change: enough to see that nobody has put others there.

        The time of the last change of a file's entry cannot be set, as that of its contents can by those who unpack.
        """
        return self._stats()

    def changed(self) -> list[str]:
        """The files that are others now than when their identity was asked first."""
        return [str(old[0]) for old, now in zip(self.identity, self._stats(), strict=True) if old != now]

    def _stats(self) -> list[list[str | int]]:
        names = [*self.shards, *([self.index] if self.index else []), *self.beside]
        stats = [(name, (self.folder / name).stat()) for name in sorted(names)]
        return [[name, s.st_size, s.st_dev, s.st_ino, s.st_mtime_ns, s.st_ctime_ns] for name, s in stats]


def open_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint in a folder, from headers alone; `Refused` where its weights are quantised."""
    if not folder.is_dir():
        raise NotFound(
            f"{folder}: no such folder", hint="a base is a folder that transformers' save_pretrained() wrote"
        )
    files = [path for path in folder.iterdir() if path.is_file()]
    members = FolderMembers({path.name: path for path in files})
    weights = weight_files(members)
    card = card_of(members, hashes=False)
    index = next((name for name in weights if name.endswith(".index.json")), None)
    shards = tuple(name for name in weights if name != index)
    places = places_of(members)
    insist_on_plain(folder, card.config, [info for _, info in places.values()])
    beside, stale, odd = _others(folder, {*weights})
    return Checkpoint(folder, card, card.config, card.model_type, index, shards, places, beside, stale, odd)


def _others(folder: Path, weights: set[str]) -> tuple[tuple[str, ...], ...]:
    """The files that go with the model; weights in other files, which would be stale; what is no file."""
    kept: list[str] = []
    stale: list[str] = []
    odd: list[str] = []
    for name in _files(folder):
        if name in weights:
            continue
        again = name.endswith((*OTHER_WEIGHTS, *OTHER_TABLES)) or ("/" not in name and ".safetensors" in name)
        (stale if again else kept if (folder / name).is_file() else odd).append(name)
    return tuple(kept), tuple(stale), tuple(odd)


def _files(folder: Path) -> Iterator[str]:
    """Every file by its path in the folder, but nothing hidden in folders and no states of a training run."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "checkpoint-")))
        linked = [name for name in folders if Path(here, name).is_symlink()]
        yield from (Path(here, name).relative_to(folder).as_posix() for name in sorted([*names, *linked]))

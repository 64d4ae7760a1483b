"""A checkpoint on disk: where every tensor lies, and which other files belong to the model."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

from adapterhub.base.card import card_of, places_of
from adapterhub.errors import NotFound, Refused
from adapterhub.formats.checkpoint import weight_files
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import FolderMembers

__all__ = ["Checkpoint", "embeds", "open_checkpoint"]

EMBEDDING = re.compile(
    r"(.*_)?embeddings?|embed_(tokens|positions|in)(_.*)?|tok_embeddings|wte|wpe|shared|relative_attention_bias"
)
OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data", ".gguf", ".tflite", ".ot")
OTHER_TABLES = (".bin.index.json", ".h5.index.json", ".msgpack.index.json")


def embeds(module: str) -> bool:
    """Whether a module of this name is an embedding, whose weight is stored (vocabulary, dim).

    >>> embeds("model.embed_tokens"), embeds("bert.embeddings.word_embeddings"), embeds("lm_head")
    (True, True, False)
    """
    return EMBEDDING.fullmatch(module.rpartition(".")[2]) is not None


@final
@dataclass(frozen=True)
class Checkpoint:
    """What the headers of a folder say. `places`: the file of every tensor and where in it; `beside`: other files."""

    folder: Path
    config: Mapping[str, Any]
    model_type: str | None
    index: str | None
    shards: tuple[str, ...]
    places: Mapping[str, tuple[str, TensorInfo]]
    beside: tuple[str, ...]
    left_out: tuple[str, ...]

    def find(self, tensor: str) -> TensorInfo | None:
        """A tensor, if the checkpoint has it."""
        return self.places[tensor][1] if tensor in self.places else None

    def setting(self, field: str) -> Any:
        """A field of the config, or of the part of it that describes the language model."""
        inner = self.config.get("text_config")
        return self.config.get(field, inner.get(field) if isinstance(inner, dict) else None)

    @cached_property
    def identity(self) -> list[list[str | int]]:
        """The files by name, length, place and times of change: enough to see that nobody has put others there.

        The time of the last change of a file's entry cannot be set, as that of its contents can by those who unpack.
        """
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
    beside, left_out = _others(folder, {*weights})
    found = Checkpoint(folder, card.config, card.model_type, index, shards, places_of(members), beside, left_out)
    if quantised := found.setting("quantization_config"):
        method = quantised.get("quant_method") if isinstance(quantised, dict) else None
        raise Refused(
            f"{folder}: its weights are quantised ({method or 'quantization_config in config.json'}): "
            "what is added to them would be rounded away or misread",
            hint="take the same model in bf16 or fp32; the quantised one can still be stacked on",
        )
    return found


def _others(folder: Path, weights: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files beside the weights: those that go with the model, and weights in other files, which would be stale."""
    kept: list[str] = []
    left_out: list[str] = []
    for name in _files(folder):
        if name in weights:
            continue
        stale = name.endswith((*OTHER_WEIGHTS, *OTHER_TABLES)) or ("/" not in name and ".safetensors" in name)
        (left_out if stale else kept).append(name)
    return tuple(kept), tuple(left_out)


def _files(folder: Path) -> Iterator[str]:
    """Every file by its path in the folder, but nothing hidden in folders and no states of a training run."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "checkpoint-")))
        yield from (Path(here, name).relative_to(folder).as_posix() for name in sorted(names))

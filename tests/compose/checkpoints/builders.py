"""Adapters and bases on disk for fusing and extracting, and what peft makes of them."""

import json
from pathlib import Path

import peft
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from adapterhub.compose.checkpoints.fuse import Fused, fuse
from adapterhub.compose.checkpoints.targets import Part
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta, Form
from adapterhub.lora.load import load
from tests.compose.builders import tiny
from tests.lora.builders import entry_of

Tensors = dict[str, Tensor]


def base_of(folder: Path, kind: str, size: str = "10KB", **fields: object) -> Path:
    """A tiny model's checkpoint in many shards, with a file beside."""
    tiny(kind, **fields).save_pretrained(str(folder), max_shard_size=size)
    (folder / "README.md").write_text("a card")
    return folder


def part(folder: Path, name: str = "one", weight: float = 1.0) -> Part:
    """An adapter in a folder, ready to be fused."""
    return name, load(entry_of(folder), name), weight


def peft_merged(folder: Path, kind: str, **fields: object) -> Tensors:
    """The state of the model after peft's own merge."""
    model = peft.PeftModel.from_pretrained(tiny(kind, **fields), str(folder))
    return model.merge_and_unload().state_dict()


def reloaded(folder: Path, kind: str) -> Tensors:
    """The state of the model that transformers makes of a checkpoint."""
    return type(tiny(kind)).from_pretrained(str(folder)).state_dict()


def far(one: Tensors, other: Tensors) -> float:
    """The largest difference between two states of one model."""
    assert one.keys() == other.keys()
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)


def checkpoint(folder: Path, tensors: Tensors, *shards: list[str], **config: object) -> Path:
    """A checkpoint made by hand, in one file or in those that are listed."""
    folder.mkdir(parents=True)
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}  # safetensors writes no memory twice
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "tie_word_embeddings": False, **config}))
    if not shards:
        save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
        return folder
    places = {}
    for number, names in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        save_file({name: tensors[name] for name in names}, str(folder / file), metadata={"format": "pt"})
        places |= dict.fromkeys(names, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return folder


def tensors_of(folder: Path) -> Tensors:
    """Every tensor of a checkpoint."""
    return {name: one for file in sorted(folder.glob("*.safetensors")) for name, one in load_file(str(file)).items()}


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def delta(out: int, into: int, rank: int = 2, *, seed: int = 1, kind: str = "linear") -> Delta:
    """A change of scale 2."""
    return Delta(normal(rank, into, seed=seed), normal(out, rank, seed=seed + 50), 2.0, Form(kind))


def fused(parts: list[Part], base: Path, folder: Path, **options: object) -> Fused:
    """Fuse with a recipe that says nothing more."""
    return fuse(parts, base, folder, recipe=options.pop("recipe", {}), **options)


def one(adapter: Adapter, weight: float = 1.0, name: str = "one") -> Part:
    """An adapter made by hand, ready to be fused."""
    return name, adapter, weight

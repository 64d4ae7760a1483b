"""PEFT adapters of a few bytes: in memory, and as folders."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapterhub.formats.peft_keys import build_key
from tests.formats.foreign_files import Folder, Tensor, safetensors

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
TWO = ("model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj")


def pair(module: str, rank: int = 4, into: int = 8, out: int = 6) -> dict[str, Tensor]:
    """The two factors of one linear module; ones that are not zero."""
    return {build_key(module, "A"): Tensor(rank, into), build_key(module, "B"): Tensor(out, rank)}


def pairs(modules: tuple[str, ...] = TWO, rank: int = 4) -> dict[str, Tensor]:
    return {name: tensor for module in modules for name, tensor in pair(module, rank).items()}


def config(**fields: Any) -> dict[str, Any]:
    """A sound config; a field given as None is null, and Ellipsis leaves it out."""
    sound = {
        "peft_type": "LORA",
        "r": 4,
        "lora_alpha": 16,
        "target_modules": ["v_proj", "q_proj"],
        "base_model_name_or_path": "org/base",
    }
    return {key: value for key, value in {**sound, **fields}.items() if value is not ...}


def files(tensors: Mapping[str, Tensor] | None = None, **fields: Any) -> dict[str, bytes]:
    """The two files of an adapter."""
    weights = safetensors(pairs() if tensors is None else tensors, {"format": "pt"})
    return {CONFIG: json.dumps(config(**fields)).encode(), WEIGHTS: weights}


def adapter(tensors: Mapping[str, Tensor] | None = None, **fields: Any) -> Folder:
    """An adapter in memory."""
    return Folder(files(tensors, **fields))


def write_files(folder: Path, content: Mapping[str, bytes]) -> Path:
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def adapter_folder(folder: Path, tensors: Mapping[str, Tensor] | None = None, **fields: Any) -> Path:
    """An adapter on disk."""
    return write_files(folder, files(tensors, **fields))

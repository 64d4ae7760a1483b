"""Small checkpoints on disk."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from adapterhub.formats.members import FolderMembers

Tensors = dict[str, np.ndarray]


def tensors(*names: str, shape: tuple[int, ...] = (6, 5), seed: int = 0) -> Tensors:
    """Tensors of normal numbers."""
    random = np.random.default_rng(seed)
    return {name: random.standard_normal(shape).astype(np.float32) for name in names}


def checkpoint(folder: Path, arrays: Tensors, *, shards: Sequence[Sequence[str]] = (), **config: object) -> Path:
    """A checkpoint folder; `shards` lists the names of tensors in each file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    if not shards:
        save_file(arrays, str(folder / "model.safetensors"))
        return folder
    index = {}
    for number, names in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        save_file({name: arrays[name] for name in names}, str(folder / file))
        index |= dict.fromkeys(names, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    return folder


def members(folder: Path) -> FolderMembers:
    """The files of a folder."""
    return FolderMembers({path.name: path for path in folder.iterdir()})

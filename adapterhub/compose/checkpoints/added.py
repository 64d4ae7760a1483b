"""Tensors a base has no place for, such as a new head: one more file of weights, and an index that names it."""

import json
from collections.abc import Mapping

from safetensors.torch import save
from torch import Tensor

from adapterhub.compose.checkpoints.checkpoint import Checkpoint

__all__ = ["index_of", "renamed", "shard_of"]


def renamed(base: Checkpoint) -> dict[str, str]:
    """What the files of weights are called when there is one more of them; the last is the new one, under ''."""
    names = [
        f"{_stem(base)}-{number:05}-of-{len(base.shards) + 1:05}.safetensors"
        for number in range(1, len(base.shards) + 2)
    ]
    return dict(zip([*base.shards, ""], names, strict=True))


def shard_of(tensors: Mapping[str, Tensor]) -> bytes:
    """The new file: tensors as they are, sorted."""
    data: bytes = save({name: tensors[name].contiguous() for name in sorted(tensors)}, metadata={"format": "pt"})
    return data


def index_of(base: Checkpoint, tensors: Mapping[str, Tensor]) -> tuple[str, bytes]:
    """The name and the bytes of an index over all files."""
    names = renamed(base)
    places = {tensor: names[file] for tensor, (file, _) in base.places.items()} | dict.fromkeys(tensors, names[""])
    sizes = [info.end - info.start for _, info in base.places.values()] + [one.nbytes for one in tensors.values()]
    index = {"metadata": {"total_size": sum(sizes)}, "weight_map": dict(sorted(places.items()))}
    return f"{_stem(base)}.safetensors.index.json", (json.dumps(index, indent=2) + "\n").encode()


def _stem(base: Checkpoint) -> str:
    """What readers look for: `model`, before `.safetensors` or `.safetensors.index.json`."""
    return (base.index or base.shards[0]).partition(".safetensors")[0]

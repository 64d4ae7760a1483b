"""What an adapter brings of its own: PEFT also saves whole embeddings that were only targeted, and never changed."""

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from adapterhub.base.names import Naming
from adapterhub.compose.checkpoints.checkpoint import Checkpoint
from adapterhub.compose.checkpoints.difference import numbers
from adapterhub.compose.checkpoints.tied import shared_with
from adapterhub.compose.choice import copied
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.values import DTYPES

__all__ = ["brought", "place_of"]

CHUNK = 4 << 20


def place_of(base: Checkpoint, naming: Naming, parameter: str) -> str:
    """What a whole tensor of an adapter is called in the base, if it has it, or would be called there."""
    module, dot, leaf = parameter.rpartition(".")
    name = naming.rewrite(module) + dot + leaf if dot else naming.rewrite(parameter)
    return parameter if name not in base.places and parameter in base.places else name


def brought(base: Checkpoint, naming: Naming, adapter: Adapter) -> Adapter:
    """The adapter without whole tensors that hold the base's own values, as stored; without values all are kept."""
    kept = {
        name: tensor
        for name, tensor in adapter.tensors.items()
        if tensor.is_meta or not _same(base, place_of(base, naming, name), tensor)
    }
    return replace(adapter, tensors=kept)


def _same(base: Checkpoint, name: str, tensor: Tensor) -> bool:
    name = name if name in base.places else shared_with(base, tuple(tensor.shape)) or ""
    info = base.find(name)
    if info is None or info.shape != tuple(tensor.shape) or info.dtype not in DTYPES:
        return False
    flat = tensor.reshape(-1)
    return all(copied(stored, flat[start:end]) for start, end, stored in _stored(base, name))


def _stored(base: Checkpoint, name: str) -> Iterator[tuple[int, int, Tensor]]:
    file, info = base.places[name]
    with (base.folder / file).open("rb") as stream:
        for start in range(0, info.parameters, CHUNK):
            end = min(info.parameters, start + CHUNK)
            yield start, end, numbers(stream, info, start, end)

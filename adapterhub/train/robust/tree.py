"""A batch as a tree: its tensors by their paths, and the same batch with another tensor in one place."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from adapterhub.train.task import Batch

__all__ = ["Path", "put", "tensors"]

Path = tuple[Any, ...]
"""Keys of dicts and places in lists, from the outside in."""


def tensors(batch: Batch, path: Path = ()) -> Iterator[tuple[Path, Tensor]]:
    """Every tensor of a batch with its path, in the order of the batch."""
    if isinstance(batch, Tensor):
        yield path, batch
    elif isinstance(batch, Mapping):
        for key, value in batch.items():
            yield from tensors(value, (*path, key))
    elif isinstance(batch, list | tuple):
        for place, value in enumerate(batch):
            yield from tensors(value, (*path, place))


def put(batch: Batch, path: Path, tensor: Tensor) -> Batch:
    """The batch with this tensor at a path; the one that was given stays as it is."""
    if not path:
        return tensor
    first, *rest = path
    value = put(batch[first], tuple(rest), tensor)
    if isinstance(batch, tuple):
        values = [value if place == first else other for place, other in enumerate(batch)]
        return type(batch)(*values) if hasattr(batch, "_fields") else type(batch)(values)
    fresh = copy.copy(batch)
    fresh[first] = value
    return fresh

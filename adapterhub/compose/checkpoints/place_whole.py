"""What stands in place of the base's own finds its place: trained tokens and whole tensors."""

from math import prod

import torch
from torch import Tensor

from adapterhub.compose.checkpoints.brought import place_of
from adapterhub.compose.checkpoints.patch import Stand
from adapterhub.compose.checkpoints.targets import One, size_of
from adapterhub.compose.checkpoints.tied import shared_with, shares
from adapterhub.lora.values import DTYPES

__all__ = ["place_rows", "place_whole"]


def place_rows(one: One) -> None:
    """Trained tokens. An output layer that shares the embedding has them too, as it has with peft."""
    for module, rows in one.adapter.rows.items():
        info = one.find(module, ".weight")
        if info is None:
            continue
        last, width = max(rows.indices, default=-1), rows.values.shape[1]
        if len(info.shape) != 2 or info.shape[1] != width or last >= info.shape[0]:
            one.fault(f"{info.name} is {size_of(info)}, the adapter trained token {last}, of size {width}")
            continue
        if len(set(rows.indices)) < len(rows.indices):
            one.fault(f"{info.name}: the adapter trained one token more than once")
            continue
        known = one.all.patches.get((info.name, 0))
        patch = one.patch(info, (info.shape[0], width), turned=known.turned if known else True)
        if patch.whole is None:
            patch.stands.append(Stand(torch.tensor(rows.indices), rows.values, one.weight))
        else:  # the same adapter's: nobody else's tokens are used beside it
            index = torch.tensor(rows.indices, device=patch.whole.device)
            patch.whole = patch.whole.index_copy(0, index, rows.values.to(patch.whole))


def place_whole(one: One) -> None:
    """Whole tensors, each in place of one of the same shape, or as a new one."""
    for parameter, tensor in one.adapter.tensors.items():
        name = place_of(one.all.base, one.naming, parameter)
        if name in one.all.base.places:
            _replace(one, name, tensor)
        else:
            _append(one, name, tensor)


def _replace(one: One, name: str, tensor: Tensor) -> None:
    info = one.all.base.places[name][1]
    if info.dtype not in DTYPES:
        one.fault(f"{name} is stored as {info.dtype}: it is quantised")
    elif info.shape != tuple(tensor.shape):
        got = "×".join(map(str, tensor.shape))
        one.fault(
            f"{name} is {size_of(info)}, the adapter's own is {got}: resize the base first, as it was for the training "
            "(resize_token_embeddings, num_labels), and save it"
        )
    else:
        shape = (info.shape[0], prod(info.shape[1:])) if info.shape else (1, 1)
        known = one.all.patches.get((name, 0))
        one.patch(info, shape, turned=bool(known and known.turned)).whole = tensor.reshape(shape)
        if shares(one.all.base, name) and not _both(one, tensor):
            one.shared(name)


def _append(one: One, name: str, tensor: Tensor) -> None:
    """A tensor the base does not have: a head of its own, a wrong name, or an output layer that is tied."""
    other = shared_with(one.all.base, tuple(tensor.shape))
    if other is None:
        one.all.added[name] = tensor
        one.all.strays.setdefault(one.name, []).append(f"the base has no tensor {name}")
    elif not _both(one, tensor):
        one.head(name, other)


def _both(one: One, tensor: Tensor) -> bool:
    """Whether the adapter holds the embedding and the output layer, and both are the same."""
    return sum(_same(tensor, other) for other in one.adapter.tensors.values()) > 1


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal; those without values may be."""
    return one.shape == other.shape and (one.is_meta or torch.equal(one, other))

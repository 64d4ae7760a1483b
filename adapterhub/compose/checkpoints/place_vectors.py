"""Biases, shifts and gains find their tensors: one number for each output or input of a module.

bias' = T + Σ w·(biasᵢ − bias) + Σ w·shiftᵢ + Σ w·(lᵢ − 1)⊙T        T: the bias, or what stands in its place
"""

from math import prod

import torch
from torch import Tensor

from adapterhub.compose.checkpoints.embeddings import embeds
from adapterhub.compose.checkpoints.patch import Patch, Stand
from adapterhub.compose.checkpoints.targets import One, size_of
from adapterhub.lora.adapter import Gain
from adapterhub.lora.delta import Delta

__all__ = ["place_vectors"]


def place_vectors(one: One) -> None:
    """All of one adapter's."""
    for module, shift in one.adapter.shifts.items():
        if patch := _bias(one, module, "a bias of B", shift):
            column = Delta(torch.ones(1, 1, dtype=torch.float64), shift.double()[:, None] * one.weight)
            patch.deltas.append((column, 1.0))
    for module, bias in one.adapter.biases.items():
        if patch := _bias(one, module, "a trained bias", bias):
            patch.stands.append(Stand(torch.arange(len(bias)), bias[:, None], one.weight))
    for module, gain in one.adapter.gains.items():
        _gain(one, module, gain)


def _gain(one: One, module: str, gain: Gain) -> None:
    info = one.find(module, ".weight")
    if info is None:
        if module not in one.naming.missing:
            one.fault(f"{module} has no weight of its own in this base, so there is no place for an IA3 vector")
        return
    change = (gain.vector.double().flatten() - 1) * one.weight
    turned = one.turned(module) or embeds(one.all.base, one.naming.rewrite(module))
    shape = (info.shape[0], prod(info.shape[1:])) if info.shape else (1, 1)
    out, into = reversed(shape) if turned else shape
    channels = into if len(info.shape) < 3 else info.shape[1]
    if len(change) != (wanted := out if gain.side == "out" else channels):
        one.fault(f"{info.name} has {wanted} {gain.side}puts, the adapter's vector {len(change)}")
        return
    patch = one.patch(info, shape, turned=turned)
    if gain.side == "in":
        patch.gain_in.append(change.repeat_interleave(into // channels))
        return
    patch.gain_out.append(change)
    if one.find(module, ".bias") is not None:
        _multiply(one, module, change)


def _bias(one: One, module: str, what: str, vector: Tensor) -> Patch | None:
    """The patch of a module's bias, if it has one of the vector's length."""
    info = one.find(module, ".bias")
    if info is None:
        one.fault(f"{module} has no bias in this base, so there is no place for {what}; a stack can add it")
    elif info.shape != tuple(vector.shape):
        one.fault(f"{size_of(info)} is the size of the bias of {module}, the adapter's is {len(vector)}")
    else:
        return one.patch(info, (len(vector), 1))
    return None


def _multiply(one: One, module: str, change: Tensor) -> None:
    info = one.find(module, ".bias")
    if info is not None and info.shape == tuple(change.shape):
        one.patch(info, (len(change), 1)).gain_out.append(change)

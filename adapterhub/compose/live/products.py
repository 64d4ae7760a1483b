"""The two products of a change, as each kind of layer needs them.

down   h = A·x             h: (…, R), for a convolution (n, R, …)
up     y + Bᵀᵀ·(h ⊙ g)     y: the layer's output

stored as       A                     Bᵀ
linear          (R, in)               (R, out)
embedding       (vocabulary, R)       (R, dim)
conv            (R, in, *kernel)      (R, out)
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from adapterhub.compose.live.layers import Layer

__all__ = ["SLOTS", "again", "down", "like", "plus", "scaled", "stored", "up"]

CONV: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}

SLOTS = {"linear": 0, "embedding": 1, "conv": 0}
"""The dimension of a stored A along which the slots lie."""


def stored(layer: Layer, A: Tensor) -> Tensor:
    """A (R, in) as it is kept; a view."""
    assert layer.form is not None
    if layer.form.kind == "conv":
        return A.view(A.shape[0], -1, *layer.form.kernel)
    return A.T if layer.form.kind == "embedding" else A


def down(layer: Layer, x: Tensor, A: Tensor) -> Tensor:
    """A·x for what the layer was called with."""
    module, form = layer.module, layer.form
    assert form is not None
    if form.kind == "embedding":
        return scaled(layer, F.embedding(x, A))
    x = like(x, A)
    if form.kind == "linear":
        return F.linear(x, A)
    conv: Any = module
    return CONV[len(form.kernel)](x, A, None, conv.stride, conv.padding, conv.dilation)


def up(layer: Layer, output: Tensor, h: Tensor, Bt: Tensor, *, fresh: bool) -> Tensor:
    """output + B·h. Where the output is `fresh`, nobody else has it and it may be written into."""
    Bt = Bt.to(h.dtype)
    if layer.axis != -1:
        ones = (1,) * (-1 - layer.axis)
        return plus(output, CONV[len(ones)](h, Bt.T.reshape(*Bt.T.shape, *ones)))
    inner = h.reshape(-1, h.shape[-1])
    if output.dtype != Bt.dtype or output.device != Bt.device or _casts(Bt.device):
        return plus(output, (inner @ Bt).view(output.shape))
    if fresh and output.is_contiguous():
        output.view(-1, output.shape[-1]).addmm_(inner, Bt)
        return output
    rows = output.reshape(-1, output.shape[-1])
    return torch.addmm(rows, inner, Bt).view(output.shape)


def plus(output: Tensor, change: Tensor) -> Tensor:
    """The sum, where and in what the output is."""
    return output + change.to(output.device, output.dtype)


def scaled(layer: Layer, found: Tensor) -> Tensor:
    """What was looked up, multiplied as some embeddings do."""
    scale = getattr(layer.module, "embed_scale", None)
    return found if scale is None else found * (scale.to(found.dtype) if isinstance(scale, Tensor) else scale)


def again(layer: Layer, x: Tensor) -> Tensor:
    """W·x without the bias: a plain product where that is all the module does, else its own forward less the bias."""
    module: Any = layer.module
    if layer.plain:
        return F.linear(x, module.weight.T if layer.turned else module.weight)
    answer: Tensor = module.forward(x)
    bias = getattr(module, "bias", None)
    return answer - layer.spread(bias.detach(), answer.ndim) if isinstance(bias, Tensor) else answer


def like(x: Tensor, A: Tensor) -> Tensor:
    """x where A is, and in its type unless autocast decides that."""
    if x.device != A.device:
        x = x.to(A.device)
    return x if x.dtype == A.dtype or _casts(A.device) else x.to(A.dtype)


def _casts(device: torch.device) -> bool:
    return device.type != "meta" and torch.is_autocast_enabled(device.type)

"""The modules an adapter can be attached to: which they are, and how their weight lies.

A module is used through its own forward, so a kind is listed only where the forward is known to be `y = W·x + b` over
the last dimension of its first argument.
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import nn

__all__ = ["LAYERS", "Layer", "layer_of"]

PLAIN = frozenset({torch.float64, torch.float32, torch.float16, torch.bfloat16})


@final
@dataclass(frozen=True)
class Layer:
    """A live module whose weight change is (out, in)."""

    module: nn.Module
    shape: tuple[int, int]
    dtype: torch.dtype


LAYERS = {
    "torch.nn.modules.linear.Linear": (0, 1),
    "transformers.pytorch_utils.Conv1D": (1, 0),
}
"""Class -> where (out, in) stand in its weight's shape. Subclasses count; Conv1D is named, not imported."""

BYPASSED = "torch.nn.modules.linear.NonDynamicallyQuantizableLinear"


def layer_of(module: nn.Module) -> Layer | str:
    """The module as a layer, or the reason why an adapter cannot be attached to it."""
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(module).__mro__]
    order = next((LAYERS[kind] for kind in kinds if kind in LAYERS), None)
    weight = getattr(module, "weight", None)
    if BYPASSED in kinds:
        # nn.MultiheadAttention reads its weight and never calls it: a hook would silently do nothing.
        return "nn.MultiheadAttention reads its weight without calling it"
    if order is None or not isinstance(weight, torch.Tensor):
        return f"it is {kinds[0]}, not Linear or Conv1D"
    if weight.dtype not in PLAIN or weight.ndim != 2:
        return f"its weight is {str(weight.dtype).removeprefix('torch.')} {tuple(weight.shape)}, so it is quantised"
    return Layer(module, (weight.shape[order[0]], weight.shape[order[1]]), weight.dtype)

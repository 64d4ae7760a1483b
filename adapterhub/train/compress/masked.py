"""Training what pruning took away, so that the zeros stay zero: the change of a weight lies under the weight's mask.

    y = x·Wᵀ + dropout(x)·(mask ∘ ΔW)ᵀ        W' = W + mask ∘ ΔW        mask = (W ≠ 0),  ΔW = s·B·A

What is trained is what is merged. The factors alone, without the mask, are another change: an adapter that was trained
so belongs into the pruned weights by `merge` or `under`, and is not to be stacked.
The price is ΔW itself, out × in numbers for each layer, in the forward pass.

Muñoz et al. 2024 (SparsePEFT, in SQFT), https://arxiv.org/abs/2410.03750
"""

from collections.abc import Iterator
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit

__all__ = ["mask", "merge", "under"]


def mask(model: nn.Module) -> int:
    """Let every LoRA layer of a model that PEFT has wrapped change only weights that are not zero; how many layers.

    Linear layers alone, plain LoRA alone: `DoesNotFit` for DoRA and others, whose change is no product of factors.
    """
    layers = list(_layers(model))
    if not layers:
        raise DoesNotFit("no layer of this model has LoRA factors", hint="attach the adapter first")
    for path, layer in layers:
        if not _plain(layer):
            raise DoesNotFit(
                f"{path}: one plain LoRA on a linear layer can be masked, and this is another {type(layer).__name__}",
                hint="leave out dora, quantize and the targets that are convolutions or embeddings",
            )
    for _, layer in layers:
        layer.forward = MethodType(_forward, layer)
    return len(layers)


@torch.no_grad()
def merge(model: nn.Module) -> None:
    """Put the masked changes into the weights below, rounded once; the factors are then no longer added."""
    for _, layer in _layers(model):
        weight = layer.get_base_layer().weight
        weight.copy_(under(weight, weight.float() + _change(layer).float()))
        layer.merged_adapters.extend(layer.active_adapters)


def under(pruned: Tensor, changed: Tensor) -> Tensor:
    """`changed` where the pruned weight is not zero, and zero where it is; in the type of the pruned one."""
    return torch.where(pruned != 0, changed.to(pruned.dtype), torch.zeros((), dtype=pruned.dtype, device=pruned.device))


def _plain(layer: Any) -> bool:
    """Whether it is a linear layer in floats with one adapter that is no more than its factors."""
    base = layer.get_base_layer()
    plain = type(base).__name__ in ("Linear", "Conv1D") and type(base.weight) is nn.Parameter
    return plain and len(layer.active_adapters) == 1 and not any(layer.lora_variant.values())


def _layers(model: nn.Module) -> Iterator[tuple[str, Any]]:
    for path, module in model.named_modules():
        if hasattr(module, "get_delta_weight") and hasattr(module, "lora_variant"):
            yield path, module


def _change(layer: Any) -> Tensor:
    """ΔW of the active adapter, as the weight is stored."""
    (name,) = layer.active_adapters
    change: Tensor = layer.get_delta_weight(name)
    return change


def _forward(layer: Any, x: Tensor, *rest: Any, **named: Any) -> Tensor:
    """What takes the place of PEFT's own forward."""
    result: Tensor = layer.base_layer(x, *rest, **named)
    if layer.disable_adapters or layer.merged:
        return result
    change = (layer.get_base_layer().weight != 0) * _change(layer)
    change = change.T if layer.fan_in_fan_out else change
    (name,) = layer.active_adapters
    dropped = layer.lora_dropout[name](x.to(change.dtype))
    return result + nn.functional.linear(dropped, change).to(result.dtype)

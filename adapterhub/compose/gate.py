"""All adapters of one live module as one pair of GEMMs and a gate.

    y = W·x + b + B_cat·((A_cat·x) ⊙ g)        A_cat: (R, in)    B_cat: (out, R)    g: (R,), wᵢ·sᵢ on adapter i's slots

Only the slots of adapters whose weight is not 0 are packed: the cost is theirs, and 0·NaN would be NaN. A changed
weight changes g; a changed set of active adapters, device or dtype packs anew at the next call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from adapterhub.lora.delta import Delta

__all__ = ["Gate"]

Key = tuple[tuple[str, ...], torch.device, torch.dtype]


@final
@dataclass(frozen=True)
class Packed:
    """The active factors side by side, and whose slots they are."""

    key: Key
    A: Tensor
    B: Tensor


@final
class Gate:
    """The forward hook of one module. `slots` are its adapters by name, `weights` those of the whole stack."""

    def __init__(self, slots: Mapping[str, Delta]) -> None:
        self.slots = dict(slots)
        self._active: dict[str, float] = {}
        self._packed: Packed | None = None
        self._gate: Tensor | None = None

    def set(self, weights: Mapping[str, float]) -> None:
        """Weigh the slots; nothing is computed until the next call."""
        self._active = {name: weights[name] for name in self.slots if weights[name] != 0.0}
        self._gate = None

    def attach(self, module: nn.Module) -> RemovableHandle:
        """Hook the module; the handle takes the hook off again."""
        return module.register_forward_hook(self, with_kwargs=True)

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor) -> Tensor:
        """The module's output with the active adapters' added; the output itself where none is active."""
        if not self._active:
            return output
        x: Tensor = args[0] if args else next(iter(kwargs.values()))
        weight = module.weight
        assert isinstance(weight, Tensor)
        packed, gate = self._ready(x.device, weight.dtype)
        inner = torch.nn.functional.linear(x, packed.A)  # (…, R)
        inner = (inner * gate).to(inner.dtype)
        return _plus(output, inner, packed.B)

    def _ready(self, device: torch.device, dtype: torch.dtype) -> tuple[Packed, Tensor]:
        key = (tuple(self._active), device, dtype)
        packed = self._packed
        # Tensors made inside inference_mode could never be used in training, and these outlive the call.
        with torch.inference_mode(False), torch.no_grad():
            if packed is None or packed.key != key:
                packed = self._packed = self._pack(key)
                self._gate = None
            if self._gate is None:
                self._gate = self._weigh(packed)
        return packed, self._gate

    def _pack(self, key: Key) -> Packed:
        names, device, dtype = key
        deltas = [self.slots[name] for name in names]
        A = torch.cat([delta.A.detach().to(device, dtype) for delta in deltas], 0)
        B = torch.cat([delta.B.detach().to(device, dtype) for delta in deltas], 1)
        return Packed(key, A, B)

    def _weigh(self, packed: Packed) -> Tensor:
        """g in at least fp32: rounded to bf16 a weight of 0.7 would be off by half a percent everywhere."""
        slots = [weight * self.slots[n].scale for n, weight in self._active.items() for _ in range(self.slots[n].rank)]
        return torch.tensor(slots, dtype=torch.promote_types(packed.A.dtype, torch.float32), device=packed.A.device)


def _plus(output: Tensor, inner: Tensor, B: Tensor) -> Tensor:
    """output + B·inner in one GEMM. output: (…, out)    inner: (…, R)    B: (out, R)"""
    rows = output.reshape(-1, output.shape[-1])
    return torch.addmm(rows, inner.reshape(-1, inner.shape[-1]), B.T).view(output.shape)

"""The factors of all adapters of one module side by side: one A, one B, and whose slots they are.

Slots that belong to some of the adapters are a view where they lie together, else a packed copy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.compose.live.layers import Layer
from adapterhub.compose.live.mixture import Mixture
from adapterhub.compose.live.products import SLOTS, stored
from adapterhub.lora.delta import Delta, wide

__all__ = ["Factor", "Slots", "slots_of"]


@final
@dataclass(frozen=True, eq=False)
class Factor:
    """A change and, for DoRA, what its rows are multiplied by: c (out,)."""

    delta: Delta
    rows: Tensor | None = None

    @property
    def Bt(self) -> Tensor:
        """Bᵀ (r, out), DoRA's factors of the rows taken in."""
        B = self.delta.B.detach()
        if self.rows is None:
            return B.T
        return (B.to(wide(B)) * self.rows.to(B.device, wide(B))[:, None]).T


@final
@dataclass(frozen=True, eq=False)
class Slots:
    """A and Bᵀ as the layer's kind keeps them; (R,) on the CPU: `scale` in float64, `whose` as places in `ranks`.

    `ranks` by name, in their order.
    """

    A: Tensor
    Bt: Tensor
    scale: Tensor
    whose: Tensor
    ranks: Mapping[str, int]
    dim: int

    def gate(self, mixture: Mixture) -> Tensor:
        """w·s for every slot, (R,) or (batch, R), in fp32 or wider: rounded to bf16 a weight of 0.7 would be off."""
        width = torch.promote_types(self.A.dtype, torch.float32)
        weights = mixture.of(self.ranks)[..., self.whose]
        return torch.where(weights != 0, weights * self.scale, 0.0).to(width).to(self.A.device)

    def pick(self, names: Sequence[str]) -> tuple[Tensor, Tensor, Tensor | slice]:
        """A and Bᵀ of some adapters, and which slots these are."""
        spans, start = {}, 0
        for name, rank in self.ranks.items():
            spans[name] = range(start, start := start + rank)
        wanted = [slot for name, span in spans.items() if name in names for slot in span]
        first, count = wanted[0], len(wanted)
        if wanted[-1] - first + 1 == count:
            return (
                self.A.narrow(self.dim, first, count),
                self.Bt.narrow(0, first, count),
                slice(first, first + count),
            )
        index = torch.tensor(wanted, device=self.A.device)
        return self.A.index_select(self.dim, index), self.Bt.index_select(0, index), index


def slots_of(layer: Layer, factors: Mapping[str, Factor], device: torch.device, dtype: torch.dtype) -> Slots | None:
    """The factors of a module in one storage; None where there are none."""
    if not factors:
        return None
    assert layer.form is not None
    every = list(factors.values())
    dim = SLOTS[layer.form.kind]
    A = torch.cat([stored(layer, factor.delta.A.detach()).to(device, dtype) for factor in every], dim)
    Bt = torch.cat([factor.Bt.to(device, dtype) for factor in every])
    scale = torch.tensor([f.delta.scale for f in every for _ in range(f.delta.rank)], dtype=torch.float64)
    whose = torch.tensor([place for place, f in enumerate(every) for _ in range(f.delta.rank)])
    ranks = {name: factor.delta.rank for name, factor in factors.items()}
    return Slots(A, Bt, _guarded(Bt, scale), whose, ranks, dim)


def _guarded(Bt: Tensor, scale: Tensor) -> Tensor:
    """The scale, NaN for slots whose B holds no finite numbers; those are taken out of B.

    An adapter that is off has a gate of 0, but 0·NaN in the product would reach every row of the batch.
    """
    if Bt.is_meta or Bt.sum(1, dtype=torch.promote_types(Bt.dtype, torch.float32)).isfinite().all():
        return scale
    broken = ~Bt.isfinite().all(1)
    Bt[broken] = 0
    return scale.masked_fill(broken.cpu(), torch.nan)

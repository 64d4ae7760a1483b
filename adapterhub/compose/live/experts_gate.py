"""What the adapters of a stack add to one parameter of a live module.

    W'[e] = round(W[e] + Σ wᵢ·s·Bᵢ[e]·Aᵢ[e])        in fp32, or fp64 where W is; rounded once

The factors of all matrices lie together, B (E, out, R) and A (E, R, in); matrices and ranks that an adapter does not
have are zeros. As in a module's gate, while torch.compile traces all adapters are computed, and a weight of 0 masks.
"""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from adapterhub.compose.live.experts import Experts, Place
from adapterhub.compose.live.mixture import Mixture
from adapterhub.lora.delta import wide

__all__ = ["ExpertsGate", "changed"]

BLOCK = 1 << 24
"""Numbers of W in hand at once."""

Factors = tuple[Tensor, Tensor]


@final
class ExpertsGate:
    """One stack on one parameter: `pieces` by the name of their adapter, weighed by the stack's mixture."""

    def __init__(self, place: Place, tensor: Tensor, pieces: Mapping[str, Experts], mixture: Mixture) -> None:
        self.place, self.pieces = place, dict(pieces)
        self.called = False
        count = len(tensor) if tensor.ndim == 3 else 1
        with torch.inference_mode(False), torch.no_grad():
            self._factors = {name: _together(experts, count, tensor) for name, experts in pieces.items()}
        self.set(mixture)

    def set(self, mixture: Mixture) -> None:
        """Weigh the pieces."""
        row = mixture.rows[0]
        self.weights = tuple(row.get(name, 0.0) for name in self.pieces)
        self._on = [name for name in self.pieces if name in mixture.active]
        with torch.inference_mode(False), torch.no_grad():
            self._gates = {
                name: (mixture.of([name]).reshape(-1)[0] * scale)[:, None, None].to(B.device, B.dtype)
                for name, (B, _, scale) in self._factors.items()
            }

    def factors(self, *, every: bool = False) -> list[Factors]:
        """B, weights taken in, and A of the adapters that are on; or of `every` one, zeros where it is off."""
        some = self._factors if every else self._on
        return [self._weighed(name) for name in some]

    def _weighed(self, name: str) -> Factors:
        (B, A, _), gate = self._factors[name], self._gates[name]
        return torch.where(gate != 0, B * gate, 0.0), torch.where(gate != 0, A, 0.0)  # 0·NaN would be NaN


def changed(tensor: Tensor, factors: Sequence[Factors]) -> Tensor:
    """The parameter with the changes added: of the same shape and type, a new tensor."""
    kind = wide(tensor)
    B = torch.cat([B.to(tensor.device, kind) for B, _ in factors], 2)
    A = torch.cat([A.to(tensor.device, kind) for _, A in factors], 1)
    W = tensor if tensor.ndim == 3 else tensor[None]
    step = max(1, BLOCK // max(1, W[0].numel()))
    parts = [slice(first, first + step) for first in range(0, len(W), step)]
    with torch.autocast(tensor.device.type, enabled=False):
        blocks = [torch.baddbmm(W[part].to(kind), B[part], A[part]).to(tensor.dtype) for part in parts]
    return torch.cat(blocks).view(tensor.shape)


def _together(experts: Experts, count: int, tensor: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """B (E, out, r) and A (E, r, in) where the parameter is, and the scales (E,) in float64 on the CPU."""
    kind, rank = wide(tensor), max(delta.rank for delta in experts.values())
    out, into = tensor.shape[-2:]
    B = torch.zeros(count, out, rank, dtype=kind, device=tensor.device)
    A = torch.zeros(count, rank, into, dtype=kind, device=tensor.device)
    scale = torch.zeros(count, dtype=torch.float64)
    for number, delta in experts.items():
        B[number, :, : delta.rank] = delta.B.detach()
        A[number, : delta.rank] = delta.A.detach()
        scale[number] = delta.scale
    return B, A, scale

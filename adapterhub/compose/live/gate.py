"""What the adapters of a stack add to one live module.

    y + B·((A·x) ⊙ g) + y ⊙ G − b ⊙ D + S + W·(x ⊙ I) + tokens  y = W·x + b, what the module answered

    g    (R,) wᵢ·sᵢ on adapter i's slots        plain factors; DoRA's c is in B
    G    (out,) Σ wᵢ(cᵢ − 1), Σ wᵢ(lᵢ − 1)      DoRA, IA3 at the outputs
    D    (out,) Σ wᵢ(cᵢ − 1)                    DoRA leaves the bias alone, whosever stands there
    S    (out,) Σ wᵢ·(bias or its change)
    I    (in,) Σ wᵢ(lᵢ − 1)                     IA3 at the inputs

All are linear in the weights, so they can be weighed, and with a row for each row of the batch routed. Eagerly
only the slots of adapters that are on are computed. While torch.compile traces, all are, since which are on may not
be written into the graph: there a gate of 0 stands for off, and new weights are other tensors of the same shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.compose.live.layers import Layer
from adapterhub.compose.live.mixture import Mixture
from adapterhub.compose.live.pieces import Piece
from adapterhub.compose.live.products import again, down, plus, up
from adapterhub.compose.live.route import check_rows
from adapterhub.compose.live.slots import Slots, slots_of
from adapterhub.compose.live.tokens import Tokens, add_tokens

__all__ = ["Gate"]


@final
@dataclass(frozen=True, eq=False)
class Work:
    """What one call computes: A and Bᵀ with their gate, the four vectors and the tokens, each where there is one."""

    factors: tuple[Tensor, Tensor, Tensor] | None
    gain: Tensor | None
    spared: Tensor | None
    shift: Tensor | None
    inner: Tensor | None
    tokens: Mapping[str, tuple[Tokens, Tensor]]
    batch: int | None
    masked: bool


@final
class Gate:
    """One stack on one module: `pieces` by the name of their adapter, weighed by the stack's mixture.

    Everything lies where the module's weight lies and in its type; `default` is for weights that are quantised.
    """

    def __init__(self, layer: Layer, pieces: Mapping[str, Piece], mixture: Mixture, default: torch.dtype) -> None:
        self.layer, self.pieces = layer, dict(pieces)
        self.called = False
        weight = getattr(layer.module, "weight", None)
        here = weight.device if isinstance(weight, Tensor) and not weight.is_meta else torch.device("cpu")
        self._mixture = mixture
        self._place(here, layer.dtype() or default)
        self._weigh()

    def set(self, mixture: Mixture) -> None:
        """Weigh the pieces; the mixture they are weighed by costs nothing."""
        if mixture is not self._mixture:
            self._mixture = mixture
            self._weigh()

    def _weigh(self) -> None:
        mixture = self._mixture
        with torch.inference_mode(False), torch.no_grad():
            self._on = tuple(name for name in self.pieces if name in mixture.active)
            self._eager: Work | None = None
            self._whole = Work(self._all_slots(), *self._vectors(), self._all_tokens(), mixture.batch, masked=True)

    def __call__(self, x: Tensor, base: Tensor, output: Tensor, *, fresh: bool) -> Tensor:
        """The output with this gate's changes added. `base` is what the module itself answered."""
        if torch.compiler.is_compiling():
            return self._compute(self._whole, x, base, output)
        self.called = True
        if not self._on:
            return output
        self._follow(base)
        work = self._eager
        if work is None:
            with torch.inference_mode(False), torch.no_grad():
                work = self._eager = self._picked()
        return self._compute(work, x, base, output, fresh=fresh)

    def _compute(self, work: Work, x: Tensor, base: Tensor, y: Tensor, *, fresh: bool = False) -> Tensor:
        if work.batch is not None:
            check_rows(self.layer, x, work.batch)
        layer = self.layer
        if work.gain is not None:
            y, fresh = plus(y, base * layer.spread(work.gain, base.ndim)), True
        if work.spared is not None and isinstance(bias := getattr(layer.module, "bias", None), Tensor):
            spared = layer.spread(work.spared * bias.to(work.spared), base.ndim)
            y, fresh = plus(y, -spared), True
        if work.shift is not None:
            y, fresh = plus(y, layer.spread(work.shift, base.ndim)), True
        if work.factors is not None:
            A, Bt, gate = work.factors
            h = down(layer, x, A)
            gate = layer.spread(gate, h.ndim)
            weighed = h * gate
            if work.masked:  # 0·NaN would be NaN
                weighed = torch.where(gate != 0, weighed, 0.0)
            # A scale of 64 on inner values of 1000 is more than fp16 can hold, though the product with B is not.
            y = up(layer, y, weighed if h.dtype == torch.float16 else weighed.to(h.dtype), Bt, fresh=fresh)
        for tokens, gate in work.tokens.values():
            y = add_tokens(layer, tokens, gate, x, y, fresh=fresh)
        if work.inner is not None:
            y = plus(y, again(layer, x * layer.spread(work.inner, x.ndim).to(x.dtype)))
        return y

    def _place(self, device: torch.device, dtype: torch.dtype) -> None:
        with torch.inference_mode(False), torch.no_grad():
            self._device, self._dtype = device, dtype
            factors = {name: piece.factor for name, piece in self.pieces.items() if piece.factor}
            self._slots: Slots | None = slots_of(self.layer, factors, device, dtype)
            self._tokens = {
                name: piece.tokens.to(self.layer, device, dtype) for name, piece in self.pieces.items() if piece.tokens
            }

    def _follow(self, output: Tensor) -> None:
        """Where the module went, if it was moved or changed its type."""
        dtype = self.layer.dtype(output.dtype) or output.dtype
        if self._device != output.device or self._dtype != dtype:
            self._place(output.device, dtype)
            self._weigh()

    def _all_slots(self) -> tuple[Tensor, Tensor, Tensor] | None:
        return self._slots and (self._slots.A, self._slots.Bt, self._slots.gate(self._mixture))

    def _picked(self) -> Work:
        """The work of those that are on. Off means not computed: a weight of 0 would let NaN through."""
        whole, slots = self._whole, self._slots
        names = [name for name in self._on if slots and name in slots.ranks]
        factors = whole.factors
        if slots and factors and len(names) < len(slots.ranks):
            factors = None
            if names:
                A, Bt, index = slots.pick(names)
                factors = A, Bt, slots.gate(self._mixture)[..., index]
        some = [self.pieces[name] for name in self._on]
        return Work(
            factors,
            whole.gain if any(piece.gain is not None for piece in some) else None,
            whole.spared if any(piece.spared is not None for piece in some) else None,
            whole.shift if any(piece.shift is not None for piece in some) else None,
            whole.inner if any(piece.inner is not None for piece in some) else None,
            {name: one for name, one in whole.tokens.items() if name in self._on},
            whole.batch,
            masked=whole.batch is not None,
        )

    def _vectors(self) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
        pieces = self.pieces.items()
        return (
            self._blend({name: piece.gain for name, piece in pieces if piece.gain is not None}),
            self._blend({name: piece.spared for name, piece in pieces if piece.spared is not None}),
            self._blend({name: piece.shift for name, piece in pieces if piece.shift is not None}),
            self._blend({name: piece.inner for name, piece in pieces if piece.inner is not None}),
        )

    def _all_tokens(self) -> dict[str, tuple[Tokens, Tensor]]:
        """The tokens of each adapter with their weights, (n,) or (batch, n); those of the chosen one go before."""
        gates, chosen = {}, self._mixture.choose or ""
        first = self._tokens.get(chosen)
        for name, tokens in self._tokens.items():
            weights = self._mixture.of([name])  # (1,) or (batch, 1)
            if self.layer.path in self._mixture.without and name != self._mixture.whole:
                weights = torch.zeros_like(weights)
            if first is not None and first is not tokens:
                taken = torch.isin(tokens.index, first.index).cpu() & (self._mixture.of([chosen]) != 0)
                weights = weights.where(~taken, 0.0)
            width = torch.promote_types(self._dtype, torch.float32)
            gates[name] = tokens, weights.expand(*weights.shape[:-1], len(tokens.index)).to(self._device, width)
        return gates

    def _blend(self, vectors: Mapping[str, Tensor]) -> Tensor | None:
        """Σ wᵢvᵢ, (dim,) or (batch, dim), of those that are on."""
        if not vectors:
            return None
        width = torch.promote_types(self._dtype, torch.float32)
        total = torch.zeros((), dtype=width)
        for name, vector in vectors.items():
            weights = self._mixture.of([name])  # (1,) or (batch, 1)
            total = total + torch.where(weights != 0, weights * vector, 0.0).to(width)
        return total.to(self._device)

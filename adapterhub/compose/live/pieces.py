"""What one adapter does to one live module: everything that stands in place of something as a change of what is there.

DoRA          w·[(c − 1) ⊙ (W·x) + c ⊙ (s·B·A·x)]      c is frozen when this is made
bias          w·(bias − the base's)
IA3           w·(l − 1) ⊙ y, or W·(w·(l − 1) ⊙ x)
tokens        w·(values − W[tokens]), and the same where W is shared
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.compose.live.layers import Layer
from adapterhub.compose.live.slots import Factor
from adapterhub.compose.live.tokens import Tokens, tokens_of
from adapterhub.lora.adapter import Gain, Rows
from adapterhub.lora.delta import Delta
from adapterhub.lora.dora import stretch

__all__ = ["Claim", "Piece", "piece_of"]


@final
@dataclass(frozen=True, eq=False)
class Claim:
    """The parts of an adapter that concern one module."""

    delta: Delta | None = None
    magnitude: Tensor | None = None
    shift: Tensor | None = None
    bias: Tensor | None = None
    gain: Gain | None = None
    rows: Rows | None = None


@final
@dataclass(frozen=True, eq=False)
class Piece:
    """Factors, trained tokens, and what is added to or multiplied into the output (out,) and the input (in,)."""

    factor: Factor | None = None
    tokens: Tokens | None = None
    gain: Tensor | None = None
    shift: Tensor | None = None
    inner: Tensor | None = None


def piece_of(layer: Layer, claim: Claim) -> Piece:
    """The claim against the module as it is now. Values of the weight are read only where they are needed."""
    with torch.inference_mode(False), torch.no_grad():
        c = None
        if claim.magnitude is not None and claim.delta is not None:
            c = stretch(layer.blocks(), claim.delta, claim.magnitude)
        factor = None if claim.delta is None else Factor(claim.delta, c)
        tokens = None if claim.rows is None else tokens_of(layer, claim.rows)
        gain, inner = _gains(claim.gain)
        return Piece(factor, tokens, gain if c is None else c - 1, _shift(layer, claim, c), inner)


def _gains(gain: Gain | None) -> tuple[Tensor | None, Tensor | None]:
    if gain is None:
        return None, None
    change = _exact(gain.vector) - 1
    return (change, None) if gain.side == "out" else (None, change)


def _shift(layer: Layer, claim: Claim, c: Tensor | None) -> Tensor | None:
    """Σ of what is added to the output. DoRA leaves the bias alone, which is in the output it multiplies."""
    parts = [] if claim.shift is None else [_exact(claim.shift)]
    if layer.bias is not None:
        bias = _exact(layer.bias)
        parts += [] if claim.bias is None else [_exact(claim.bias) - bias]
        parts += [] if c is None else [(1 - c) * bias]
    return sum(parts[1:], parts[0]) if parts else None


def _exact(vector: Tensor) -> Tensor:
    return vector.detach().flatten().to("cpu", torch.float64)

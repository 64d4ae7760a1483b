"""What one adapter does to one live module: everything that stands in place of something as a change of what is there.

DoRA          w·[(c − 1) ⊙ (y − b) + c ⊙ (s·B·A·x)]    c is frozen when this is made; b is the bias that stands there
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
    """Factors, trained tokens, and what is added to or multiplied into the output (out,) and the input (in,).

    `spared` (out,) is the part of `gain` that does not reach the bias.
    """

    factor: Factor | None = None
    tokens: Tokens | None = None
    gain: Tensor | None = None
    spared: Tensor | None = None
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
        if c is not None:
            gain = c - 1
        return Piece(factor, tokens, gain, None if c is None else gain, _shift(layer, claim), inner)


def _gains(gain: Gain | None) -> tuple[Tensor | None, Tensor | None]:
    if gain is None:
        return None, None
    change = _exact(gain.vector) - 1
    return (change, None) if gain.side == "out" else (None, change)


def _shift(layer: Layer, claim: Claim) -> Tensor | None:
    """Σ of what is added to the output."""
    parts = [] if claim.shift is None else [_exact(claim.shift)]
    parts += [] if claim.bias is None or layer.bias is None else [_exact(claim.bias) - _exact(layer.bias)]
    return sum(parts[1:], parts[0]) if parts else None


def _exact(vector: Tensor) -> Tensor:
    return vector.detach().flatten().to("cpu", torch.float64)

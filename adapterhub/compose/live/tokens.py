"""Trained tokens: rows of an embedding, and the same columns of the answer of an output layer that shares its weight.

embedding      y[… of token t] += g·(values − W[t])
output layer   y[…, t]         += g·((values − W[t])·x)

Only the rows that were trained are kept; which they are is looked up, (n,) in ascending order.
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn import functional as F

from adapterhub.compose.live.layers import Layer
from adapterhub.compose.live.products import like, scaled
from adapterhub.lora.adapter import Rows
from adapterhub.lora.delta import wide

__all__ = ["Tokens", "add_tokens", "tokens_of"]


@final
@dataclass(frozen=True, eq=False)
class Tokens:
    """index: (n,) ascending    change: (n, dim), the trained rows less the model's own"""

    index: Tensor
    change: Tensor

    def to(self, layer: Layer, device: torch.device, dtype: torch.dtype) -> "Tokens":
        """Where the layer is. An embedding adds in fp32, so that a row at weight 1 is the trained row itself."""
        kind = wide(torch.empty((), dtype=dtype)) if _embeds(layer) else dtype
        return Tokens(self.index.to(device), self.change.to(device, kind))


def tokens_of(layer: Layer, rows: Rows) -> Tokens:
    """Rows of an adapter against the model's own."""
    weight = layer.weight
    order = sorted(range(len(rows.indices)), key=rows.indices.__getitem__)
    index = torch.tensor([rows.indices[n] for n in order], dtype=torch.int64)
    old = weight[index.to(weight.device)]
    kind = torch.promote_types(wide(old), wide(rows.values))
    return Tokens(index, rows.values.detach()[order].to(old.device, kind) - old.to(kind))


def add_tokens(layer: Layer, tokens: Tokens, gate: Tensor, x: Tensor, y: Tensor, *, fresh: bool) -> Tensor:
    """y with the tokens' change. gate: (n,) or (batch, n); `fresh` as in `products.up`."""
    return _look_up(layer, tokens, gate, x, y) if _embeds(layer) else _score(layer, tokens, gate, x, y, fresh)


def _look_up(layer: Layer, tokens: Tokens, gate: Tensor, x: Tensor, y: Tensor) -> Tensor:
    ids = x.to(tokens.index.device, torch.int64)
    place = torch.searchsorted(tokens.index, ids).clamp_max(len(tokens.index) - 1)
    weights = gate[place] if gate.ndim == 1 else gate.gather(1, place.reshape(len(gate), -1)).view(place.shape)
    weights = torch.where(tokens.index[place] == ids, weights, 0.0)[..., None]
    change = torch.where(weights != 0, weights * scaled(layer, tokens.change[place]), 0.0)  # 0·NaN would be NaN
    return (y + change.to(y.device)).to(y.dtype)


def _score(layer: Layer, tokens: Tokens, gate: Tensor, x: Tensor, y: Tensor, fresh: bool) -> Tensor:
    h = F.linear(like(x, tokens.change), tokens.change)
    gate = layer.spread(gate, h.ndim)
    h = torch.where(gate != 0, h * gate, 0.0).to(y.device, y.dtype)
    index = tokens.index.to(y.device)
    return y.index_add_(-1, index, h) if fresh else y.index_add(-1, index, h)


def _embeds(layer: Layer) -> bool:
    return layer.form is not None and layer.form.kind == "embedding"

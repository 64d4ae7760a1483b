"""Why a live module cannot take what an adapter has for it."""

from collections.abc import Iterator

from torch import nn

from adapterhub.compose.live.bypass import bypass
from adapterhub.compose.live.layers import Layer
from adapterhub.compose.live.pieces import Claim
from adapterhub.lora.delta import Delta

__all__ = ["reasons"]


def reasons(model: nn.Module, layer: Layer | str, claim: Claim) -> Iterator[str]:
    """Every reason, to be read behind the module's path."""
    if isinstance(layer, str):
        yield f"cannot take it: {layer}"
        return
    if reason := bypass(model, layer.path):
        yield f"cannot take it: {reason}; fuse it into the weights"
    if claim.delta is not None:
        yield from _shapes(layer, claim.delta)
    yield from _lengths(layer, claim)
    if claim.magnitude is not None and claim.shift is not None:
        yield "cannot take it: DoRA with a bias of B has no agreed meaning"
    if claim.magnitude is not None and getattr(layer.module, "groups", 1) != 1:
        yield "cannot take it: DoRA of a grouped convolution has no rows to measure"
    needy = [word for word, value in (("DoRA", claim.magnitude), ("trained tokens", claim.rows)) if value is not None]
    if needy and layer.values:
        yield f"cannot take it: {layer.values}, and {' and '.join(needy)} need its values"
    if claim.bias is not None and layer.bias is None:
        yield "has no bias to stand in place of"
    inner = claim.gain is not None and claim.gain.side == "in"
    read = claim.bias is not None or claim.magnitude is not None or inner
    if layer.bias is not None and layer.bias.is_meta and read:
        yield "cannot take it: its bias is offloaded, so it cannot be read here"


def _shapes(layer: Layer, delta: Delta) -> Iterator[str]:
    if layer.form is None:
        yield f"cannot take it: {type(layer.module).__name__} has no weight matrix"
    elif layer.form != delta.form:
        yield f"is {layer.form}, the adapter's change is for {delta.form}"
    elif layer.shape != delta.shape:
        yield f"is {layer.shape[0]}×{layer.shape[1]}, the adapter changes {delta.shape[0]}×{delta.shape[1]}"


def _lengths(layer: Layer, claim: Claim) -> Iterator[str]:
    out = layer.shape[0]
    into: int = getattr(layer.module, "in_channels", layer.shape[1])
    wanted = [("a magnitude", claim.magnitude, out), ("a shift", claim.shift, out), ("a bias", claim.bias, out)]
    if claim.gain is not None:
        wanted.append(("an IA3 vector", claim.gain.vector, out if claim.gain.side == "out" else into))
    for word, vector, length in wanted:
        if vector is not None and vector.numel() != length:
            yield f"takes {word} of {length}, the adapter has one of {vector.numel()}"
    yield from _tokens(layer, claim)


def _tokens(layer: Layer, claim: Claim) -> Iterator[str]:
    if claim.rows is None:
        return
    if layer.form is None or layer.form.kind == "conv" or (layer.form.kind == "linear" and layer.turned):
        yield f"has no rows for tokens: it is {type(layer.module).__name__}"
        return
    (rows, dim), indices = layer.shape if layer.form.kind == "linear" else layer.shape[::-1], claim.rows.indices
    if claim.rows.values.shape[1:] != (dim,) or max(indices, default=0) >= rows:
        width, last = claim.rows.values.shape[-1], max(indices, default=0)
        yield f"is {rows} rows of {dim}, the adapter trained rows of {width} up to number {last}"
    if len(set(indices)) < len(indices):
        twice = next(one for n, one in enumerate(indices) if one in indices[:n])
        yield f"cannot take it: the adapter trained token {twice} twice"

"""Where the rows of a batch can be told apart: which modules see them, and which see something else."""

import re
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from adapterhub.base.fold import sentence
from adapterhub.compose.live.fit import Fit, model_type
from adapterhub.compose.live.layers import Layer
from adapterhub.compose.live.mixture import Mixture
from adapterhub.errors import Refused, WrongUsage

__all__ = ["check_route", "check_rows"]

OTHERS = "it is not in the text part of the model: a row of the batch may have no image or sound, or several"
PARAMETERS = "a changed parameter is the same for all rows"
POSITIONS = "it is looked up by position, not by row"

HINT = "set stack.weights for the whole batch, or call the model once for each mixture"

SEGMENTS = {
    "expert": "an expert sees the tokens it was given, not the rows of the batch",
    "experts": "an expert sees the tokens it was given, not the rows of the batch",
    "visual": OTHERS,
}
"""A segment of a module's path -> why rows cannot be told apart below it, even where the numbers agree by chance."""

TOWER = re.compile("vision|visual|image|video|audio|projector|connector|aligner|resampler|perceiver|qformer")
"""What segments of other parts than the text have in their names, in models that have several parts."""

TEXT = frozenset({"language_model", "lm_head", "text_decoder", "text_encoder", "text_model", "text_projection"})
"""Where the text part lies, in models whose config tells it from others."""

POSITION = re.compile("pos|relative|distance|bias|wpe")
"""What embeddings have in their names that are called with something else than the tokens of the batch."""

TIME_FIRST = frozenset({"fsmt", "xlnet"})
"""Model types whose blocks see (length, batch, …)."""

BLOCKS = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)


def check_route(model: nn.Module, fits: Mapping[str, Fit], mixture: Mixture) -> None:
    """Nothing if every module the mixture touches can have one for each row, as far as that is known before a call."""
    if not mixture.rows:
        raise WrongUsage("a route without rows", hint="give one mixture for each row of the batch")
    touched = dict.fromkeys(path for name in fits if name in mixture.active for path in fits[name].claims)
    reasons: dict[str, list[str]] = {}
    for path in touched:
        if reason := _unroutable(model, path):
            reasons.setdefault(reason, []).append(path)
    if places := [".".join(place) for name in fits if name in mixture.active for place in fits[name].experts]:
        reasons.setdefault(PARAMETERS, []).extend(dict.fromkeys(places))
    if reasons:
        told = "; ".join(f"{sentence(paths)}: {reason}" for reason, paths in reasons.items())
        raise Refused(f"rows cannot be routed: {told}", hint=HINT)


def _unroutable(model: nn.Module, path: str) -> str:
    """Why the module at a path cannot have a mixture for each row, or nothing."""
    segments = path.split(".")
    for segment in segments:
        if segment in SEGMENTS:
            return SEGMENTS[segment]
    if _apart(model, segments):
        return OTHERS
    if isinstance(model.get_submodule(path), nn.Embedding) and POSITION.search(segments[-1]):
        return POSITIONS
    above = [model.get_submodule(".".join(segments[:n])) for n in range(len(segments))]
    turned = any(isinstance(one, BLOCKS) and not one.self_attn.batch_first for one in above)
    if turned or model_type(model) in TIME_FIRST:
        return "it sees (length, batch, …), the rows of the batch are not its first dimension"
    return ""


def _apart(model: nn.Module, segments: Sequence[str]) -> bool:
    """Whether a module is in another part of the model than the text."""
    config = getattr(model, "config", None)
    parts = [name for name in getattr(config, "sub_configs", ()) if getattr(config, name, None) is not None]
    if "text_config" in parts and len(parts) > 1:
        return not TEXT.intersection(segments)
    return bool(parts) and any(TOWER.search(segment) for segment in segments)


def check_rows(layer: Layer, x: Tensor, batch: int) -> None:
    """Nothing if the first dimension of what came in is the batch; else `Refused`."""
    least = {"linear": 2, "embedding": 1, "conv": -layer.axis + 1}.get(layer.form.kind if layer.form else "", 2)
    if x.ndim >= least and x.shape[0] == batch:
        return
    raise Refused(
        f"{layer.path}: {tuple(x.shape)} came in, and the route has {batch} rows: they cannot be told apart here",
        hint="give one mixture for each row the model computes (beams and returned sequences repeat rows); where the "
        "module flattens or splits the rows, " + HINT,
    )

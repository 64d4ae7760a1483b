"""Adapters of Apple's mlx-lm: the same factors the other way round.

lora_a (in, r), lora_b (r, out): ΔW = scale·(lora_a·lora_b)ᵀ, so A = lora_aᵀ and B = lora_bᵀ; m (out,) is DoRA's
"""

from functools import partial

from torch import Tensor

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members
from adapterhub.formats.mlx import CONFIG, MlxParts, take_apart
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import LINEAR, Delta, Form
from adapterhub.lora.values import FLOATS, Get, Values

__all__ = ["read"]

EMBEDDINGS = ("embed_in", "embed_tokens", "tok_embeddings", "word_embeddings", "wte")
"""Last names of the embeddings in mlx-lm's models; their factors look like a linear layer's."""


def read(members: Members, values: Values, name: str) -> Adapter:
    """The adapter; `Refused` where it is no LoRA of linear layers, or its scale is not known."""
    parts = take_apart(members)
    place = f"{name}: {parts.weights}"
    scale = _scale(parts, place)
    get = partial(values, parts.weights)
    deltas: dict[str, Delta] = {}
    magnitudes: dict[str, Tensor] = {}
    for module, tensors in parts.modules.items():
        A, B = _pair(tensors, get, f"{place}: {module}")
        form = Form("embedding") if module.rpartition(".")[2] in EMBEDDINGS else LINEAR
        deltas[module] = Delta(A, B, scale, form)
        if "magnitude" in tensors:
            magnitudes[module] = get(tensors["magnitude"])
    return Adapter(deltas, magnitudes=magnitudes)


def _scale(parts: MlxParts, place: str) -> float:
    if parts.type != "LORA" or parts.others or not parts.modules:
        what = parts.others[0].name if parts.others else parts.type
        raise Refused(
            f"{place}: not only the factors of LoRA: {what}",
            hint="a full fine-tuning is a checkpoint, not an adapter: fuse it with mlx-lm",
        )
    if parts.weights.endswith(".npz"):
        raise Refused(f"{place}: arrays of an old mlx-lm", hint="save them as safetensors under the same names")
    for info in (info for tensors in parts.modules.values() for info in tensors.values()):
        if info.dtype not in FLOATS:
            raise Refused(
                f"{place}: {info.name} is {info.dtype}, not one of {', '.join(FLOATS)}",
                hint="factors are floats: save them again as mlx-lm trained them",
            )
    if parts.scale is None:
        raise Refused(
            f"{place}: nobody knows its scale: lora_parameters.scale is missing in {CONFIG}",
            hint="take the config from the training run; mlx-lm reads the scale from there and from nowhere else",
        )
    return parts.scale


def _pair(tensors: dict[str, TensorInfo], get: Get, place: str) -> tuple[Tensor, Tensor]:
    down, up, magnitude = tensors.get("down"), tensors.get("up"), tensors.get("magnitude")
    if down is None or up is None:
        raise Corrupt(f"{place}: one factor of two is missing", hint="save the adapter again")
    if len(down.shape) == 3:
        raise Refused(
            f"{place}: factors of experts, which mlx-lm keeps under names of its own", hint="fuse it with mlx-lm"
        )
    shapes = [list(info.shape) for info in (down, up, magnitude) if info is not None]
    meet = len(down.shape) == len(up.shape) == 2 and down.shape[1] == up.shape[0] and 0 not in (*down.shape, *up.shape)
    if not meet or (magnitude is not None and magnitude.shape != up.shape[1:]):
        raise Corrupt(
            f"{place}: tensors of {', '.join(map(str, shapes))} do not fit together",
            hint="they belong to different adapters, or one is transposed",
        )
    return get(down).T, get(up).T

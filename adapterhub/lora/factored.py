"""LoRA and AdaLoRA: factors of linear layers, convolutions and embeddings, and what is saved beside them.

linear       A (r, in), B (out, r)
embedding    A (r, vocabulary), B (dim, r)
conv         A (r, channels, *kernel), B (out, r/groups, 1, …): A reads the channels of all groups, B runs group by
             group, so as a matrix it is block-diagonal
AdaLoRA      E (r, 1) between them, taken into A; a module whose rank went to 0 changes nothing
             of a convolution: A (r, channels·kernel), B (out, r), which looks like a linear layer's
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.peft_config import PeftConfig
from adapterhub.formats.peft_keys import Role
from adapterhub.formats.peft_parts import Parts
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.beside import bare, beside
from adapterhub.lora.delta import LINEAR, Delta, Form, wide
from adapterhub.lora.experts import experts
from adapterhub.lora.values import Get

__all__ = ["read"]

HINT = "the file was saved or cut wrongly: save it again"


def read(parts: Parts, get: Get, name: str) -> Adapter:
    """The adapter; `Corrupt` where half a pair is gone or two factors have no product."""
    place = f"{name}: {parts.weights}"
    deltas, shifts, magnitudes = {}, {}, {}
    for path, roles in parts.modules.items():
        here = f"{place}: {path}"
        _no_attention(parts, path, here)
        tensors = {role: get(info) for role, info in roles.items()}
        A, B = _pair(tensors, here)
        if parts.config.type == "ADALORA" and A.shape[:1] == (0,):
            continue
        delta = _delta(parts.config, path, tensors, (A, B), here)
        if fused := experts(parts, path, delta, here):
            _only_factors(tensors, here)
            deltas.update(fused)
            continue
        module = bare(path)
        if module in deltas:
            raise Corrupt(f"{here}: {module} has two pairs of factors", hint=HINT)
        deltas[module] = delta
        if "bias" in tensors:
            shifts[module] = delta.scale * _vector(tensors["bias"].to(wide(tensors["bias"])), delta, "bias of B", here)
        if _has_magnitude(parts.config, tensors, here):
            magnitudes[module] = _vector(tensors["magnitude"], delta, "magnitude", here)
    if not parts.modules:
        raise Corrupt(f"{place}: no tensor is a factor of a module", hint=HINT)
    return beside(Adapter(deltas, shifts, magnitudes), parts, parts.others, get, place)


def _pair(tensors: Mapping[Role, Tensor], place: str) -> tuple[Tensor, Tensor]:
    linear, embedding = ("A", "B"), ("embedding_A", "embedding_B")
    first, second = embedding if tensors.keys() & embedding else linear
    if tensors.keys() & linear and tensors.keys() & embedding:
        raise Corrupt(f"{place}: factors of a linear layer and of an embedding", hint=HINT)
    if first not in tensors or second not in tensors:
        raise Corrupt(f"{place}: one factor of two is missing", hint=HINT)
    return tensors[first], tensors[second]  # type: ignore[index]


def _delta(
    config: PeftConfig, module: str, tensors: Mapping[Role, Tensor], pair: tuple[Tensor, Tensor], place: str
) -> Delta:
    A, B = pair
    form, groups = Form("embedding") if "embedding_A" in tensors else LINEAR, 1
    rank = A.shape[0] if A.ndim else 0
    if A.ndim > 2:
        groups = A.shape[0] // max(1, B.shape[1] if B.ndim > 1 else 0)
        A, B, form = _flat(A, B, place)
    if A.ndim != 2 or B.ndim != 2 or A.shape[0] != B.shape[1] or 0 in (*A.shape, *B.shape):
        raise Corrupt(
            f"{place}: factors of {list(B.shape)} and {list(A.shape)} have no product B·A",
            hint="the two belong to different adapters, or one is transposed",
        )
    if config.type == "ADALORA":
        A = A.to(wide(A)) * _diagonal(tensors, rank, place)
    return Delta(A, B, config.scaling(module, rank), form, groups=groups)


def _flat(A: Tensor, B: Tensor, place: str) -> tuple[Tensor, Tensor, Form]:
    """The factors of a convolution as matrices: A (r, channels·kernel), B (out, r)."""
    out, width = B.shape[:2] if B.ndim == A.ndim else (0, 0)
    groups, rest = divmod(A.shape[0], width) if width else (0, 1)
    if not groups or rest or out % groups or B.numel() != out * width or not A.numel():
        raise Corrupt(
            f"{place}: factors of {list(B.shape)} and {list(A.shape)} are no convolution and a 1×1 one after it",
            hint=HINT,
        )
    blocks = B.reshape(groups, out // groups, width)
    whole = blocks[0] if groups == 1 else torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    return A.reshape(A.shape[0], -1), whole, Form("conv", tuple(A.shape[2:]))


def _diagonal(tensors: Mapping[Role, Tensor], rank: int, place: str) -> Tensor:
    """E (r, 1)."""
    E = tensors.get("E")
    if E is None or E.numel() != rank:
        raise Corrupt(f"{place}: wanted the {rank} values of E, got {0 if E is None else E.numel()}", hint=HINT)
    return E.to(wide(E)).reshape(-1, 1)


def _vector(vector: Tensor, delta: Delta, what: str, place: str) -> Tensor:
    """A vector (out,); of a convolution it is saved as (1, out, 1, …)."""
    if vector.numel() != delta.shape[0]:
        raise Corrupt(f"{place}: the {what} has {vector.numel()} values for {delta.shape[0]} outputs", hint=HINT)
    return vector.flatten()


def _has_magnitude(config: PeftConfig, tensors: Mapping[Role, Tensor], place: str) -> bool:
    if ("magnitude" in tensors) != config.dora:
        raise Corrupt(
            f"{place}: use_dora is {str(config.dora).lower()}, and there is {'no' if config.dora else 'a'} magnitude",
            hint="take config and weights from the same training run: one of them says DoRA, the other does not",
        )
    return config.dora


def _no_attention(parts: Parts, path: str, place: str) -> None:
    owner, inside, _ = path.rpartition(".base_layer.out_proj")
    if inside and owner in parts.modules:
        raise Refused(
            f"{place}: factors of nn.MultiheadAttention, whose output projection PEFT changes twice over",
            hint="merge it with peft, which has trained it that way; target linear layers to compose adapters",
        )


def _only_factors(tensors: Mapping[Role, Tensor], place: str) -> None:
    if more := sorted(tensors.keys() - {"A", "B"}):
        raise Refused(f"{place}: {', '.join(more)} of a parameter that is no module's weight", hint=HINT)

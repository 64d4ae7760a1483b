"""LoKr: the Kronecker product of two small matrices, each of them whole or in factors.

    ΔW = s·w1 ⊗ w2        w1: (l, m) or w1_a·w1_b        w2: (out/l, in/m) or w2_a·w2_b, of a convolution with a
                          kernel behind the channels, or with a core t2 (r, r, *kernel)

In factors that is the rank of one times the rank of the other, each at most its shorter side. r, which s = alpha/r
divides by, is that of the factors; where both matrices are whole only the config has it.

Yeh et al. 2023, https://arxiv.org/abs/2309.14859
"""

import torch

from adapterhub.formats.peft_parts import Parts
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import LINEAR, Form
from adapterhub.lora.products import Pair, dense, kronecker
from adapterhub.lora.tuned import Module, additive, cored
from adapterhub.lora.values import Get

__all__ = ["read"]


def read(parts: Parts, get: Get, name: str) -> Adapter:
    """The adapter; `Corrupt` where a factor is missing or does not fit the others."""
    return additive(parts, get, name, "lokr", _change)


def _change(module: Module, parts: Parts) -> tuple[Pair, int, Form]:
    one = dense(module.tensor("w1", 2)) if "w1" in module else module.pair("w1_a", "w1_b")
    rank = _rank(module, parts)
    if "w2" not in module:
        two, form = _factored(module)
        return kronecker(one, two), rank, form
    w2 = module.tensor("w2", 2, 5)
    form = Form("conv", tuple(w2.shape[2:])) if w2.ndim > 2 else LINEAR
    if w2.ndim == 3:
        # torch.kron aligns shapes at their ends, so PEFT trains a Conv1d whose kernel was mixed up with its channels.
        whole = torch.kron(one.B @ one.A, w2)
        return dense(whole.reshape(one.B.shape[0] * w2.shape[0], -1)), rank, form
    return kronecker(one, dense(w2.flatten(1))), rank, form


def _factored(module: Module) -> tuple[Pair, Form]:
    if "t2" not in module:
        return module.pair("w2_a", "w2_b"), LINEAR
    return cored(module, "t2", "w2_a", "w2_b")


def _rank(module: Module, parts: Parts) -> int:
    for part in ("w2_b", "w1_b"):
        if part in module:
            return module.tensor(part, 2).shape[0]
    rank = parts.config.ranks.get(module.path, parts.config.fields.get("r", 8))
    if type(rank) is not int or rank < 1:
        raise module.corrupt(f"wanted the rank from the config, a whole number above 0, got {rank!r}")
    return rank

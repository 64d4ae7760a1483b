"""LoHa: the product of two low-rank matrices, entry by entry.

    ΔW = s·(w1_a·w1_b) ⊙ (w2_a·w2_b)        w_a: (out, r)    w_b: (r, in)
    with cores t (r, r, *kernel) of a convolution: w_a (r, out), w_b (r, channels)

In factors that is rank r²; where r² reaches min(out, in) the change is kept whole, as large as the weight. Of a
convolution without cores nothing but (out, channels·kernel) is known, which looks like a linear layer's.

Hyeon-Woo et al. 2022, https://arxiv.org/abs/2108.06098
"""

from adapterhub.formats.peft_parts import Parts
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import LINEAR, Form
from adapterhub.lora.products import Pair, hadamard
from adapterhub.lora.tuned import Module, additive, cored
from adapterhub.lora.values import Get

__all__ = ["read"]


def read(parts: Parts, get: Get, name: str) -> Adapter:
    """The adapter; `Corrupt` where a factor is missing or does not fit the others."""
    return additive(parts, get, name, "hada", _change)


def _change(module: Module, _parts: Parts) -> tuple[Pair, int, Form]:
    (one, form), (two, _) = _half(module, "1"), _half(module, "2")
    module.agree(one.B.shape[0] == two.B.shape[0] and one.A.shape[1] == two.A.shape[1])
    return hadamard(one, two), one.A.shape[0], form


def _half(module: Module, half: str) -> tuple[Pair, Form]:
    first, second, core = f"w{half}_a", f"w{half}_b", f"t{half}"
    if core not in module:
        return module.pair(first, second), LINEAR
    return cored(module, core, first, second)

"""VeRA: random factors that all modules share, scaled by two trained vectors of each.

    ΔW = diag(λ_b)·B[:out] · diag(λ_d)·A[:, :in]        A: (r, widest in)    B: (widest out, r)

The adapter does not say how wide a module's inputs are: A is given as wide as it was saved, and only the leading
columns that the base has count. Where A and B were not saved (`save_projection: false`) they cannot be drawn again
from their seed without the widths of the base.

Kopiczko et al. 2024, https://arxiv.org/abs/2310.11454
"""

from adapterhub.errors import Refused
from adapterhub.formats.peft_parts import Parts
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.beside import beside
from adapterhub.lora.delta import Delta
from adapterhub.lora.tuned import Module, Tuned
from adapterhub.lora.values import Get

__all__ = ["read"]


def read(parts: Parts, get: Get, name: str) -> Adapter:
    """The adapter; `Refused` where the shared factors were not saved."""
    place = f"{name}: {parts.weights}"
    tuned = Tuned.of(parts, "vera", get, place)
    if not tuned.shared.tensors:
        raise Refused(
            f"{place}: VeRA without the random factors that all modules share: it was saved with save_projection "
            "false, and to draw them again from their seed takes the widths of the base's layers",
            hint="load it with peft, set save_projection to true and save it again",
        )
    deltas = {path: _delta(module, tuned.shared) for path, module in tuned}
    return beside(Adapter(deltas), parts, tuned.others, get, place)


def _delta(module: Module, shared: Module) -> Delta:
    A, B = shared.tensor("A", 2), shared.tensor("B", 2)
    b, d = module.tensor("lambda_b", 1), module.tensor("lambda_d", 1)
    shared.agree(A.shape[0] == B.shape[1])
    module.agree(len(d) == A.shape[0] and len(b) <= B.shape[0])
    return Delta(d[:, None] * A, b[:, None] * B[: len(b)], loose=True)

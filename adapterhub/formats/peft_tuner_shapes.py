"""The shapes of the weights that PEFT's other tuners change, as far as their tensors say them.

    LoHa   w1_a (out, r), w1_b (r, in)                          with cores t1, t2 of a convolution: w1_a (r, out)
    LoKr   w1 (l, m) ⊗ w2 (n, k): (l·n, m·k)                    each whole or in factors
    VeRA   lambda_b (out)
    IA3    ia3_l (out, 1); (1, in) of the feed-forward modules
    norms  ln_tuning_layers.weight, the whole weight

`UNSAID` is a size that is not said. `flat`: a convolution's kernel would lie in the columns.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from adapterhub.formats.header import TensorInfo
from adapterhub.formats.peft_keys import PREFIX
from adapterhub.formats.peft_parts import Parts
from adapterhub.formats.peft_tuners import SHARED, by_module, tuned_module

__all__ = ["UNSAID", "TunedShape", "tuned_modules", "tuned_shapes"]

Shape = tuple[int, ...]
Tensors = Mapping[str, TensorInfo]

UNSAID = -1

NORM = ".ln_tuning_layers.weight"


class TunedShape(NamedTuple):
    """The shape of a weight as (out, in, …)."""

    shape: Shape
    flat: bool = False


def tuned_modules(parts: Parts) -> tuple[str, ...]:
    """The modules that tensors of any tuner name: what stands before its part of the name."""
    names = [name.removeprefix(PREFIX) for name in parts.header.tensors if name.startswith(PREFIX)]
    return tuple(dict.fromkeys(module for name in names if (module := tuned_module(name))))


def tuned_shapes(parts: Parts) -> dict[str, TunedShape | None]:
    """By module; None where its tensors do not say the shape. Empty for a tuner that is not in the table."""
    if parts.config.type == "LN_TUNING":
        names = {name: tensor.shape for name, tensor in parts.header.tensors.items() if name.endswith(NORM)}
        return {name.removeprefix(PREFIX).removesuffix(NORM): TunedShape(shape) for name, shape in names.items()}
    prefix, look = TUNERS.get(parts.config.type, ("", None))
    if look is None:
        return {}
    modules, _ = by_module(parts.header.tensors.values(), prefix)
    return {module: look(tensors) for module, tensors in modules.items() if module != SHARED}


def _loha(tensors: Tensors) -> TunedShape | None:
    first, second, core = (_shape(tensors, part) for part in ("w1_a", "w1_b", "t1"))
    if len(first) != 2 or len(second) != 2:
        return None
    if "t1" not in tensors:
        return TunedShape((first[0], second[1]), flat=True)
    return TunedShape((first[1], second[1], *core[2:])) if len(core) == 4 and core[3] > 1 else None


def _lokr(tensors: Tensors) -> TunedShape | None:
    one = _shape(tensors, "w1") or _product(tensors, "w1")
    two = _shape(tensors, "w2")
    if len(one) != 2 or len(two) == 3:  # a Conv1d's kernel is mixed up with its channels
        return None
    if "t2" in tensors:
        core, first, second = (_shape(tensors, part) for part in ("t2", "w2_a", "w2_b"))
        two = (
            (first[1], second[1], *core[2:])
            if len(core) == 4 and core[3] > 1 and len(first) == 2 == len(second)
            else ()
        )
    elif not two:
        two = _product(tensors, "w2")
    return TunedShape((one[0] * two[0], one[1] * two[1], *two[2:]), flat=len(two) == 2) if len(two) >= 2 else None


def _product(tensors: Tensors, part: str) -> Shape:
    first, second = _shape(tensors, f"{part}_a"), _shape(tensors, f"{part}_b")
    return (first[0], second[1]) if len(first) == len(second) == 2 else ()


def _vera(tensors: Tensors) -> TunedShape | None:
    b = _shape(tensors, "lambda_b")
    return TunedShape((b[0], UNSAID)) if len(b) == 1 else None


def _ia3(tensors: Tensors) -> TunedShape | None:
    scale = _shape(tensors, "l")
    if len(scale) != 2 or (scale[0] == 1) == (scale[1] == 1):
        return None
    return TunedShape((scale[0], UNSAID) if scale[1] == 1 else (UNSAID, scale[1]))


def _shape(tensors: Tensors, part: str) -> Shape:
    return tensors[part].shape if part in tensors else ()


TUNERS: dict[str, tuple[str, Callable[[Tensors], TunedShape | None]]] = {
    "LOHA": ("hada", _loha),
    "LOKR": ("lokr", _lokr),
    "VERA": ("vera", _vera),
    "IA3": ("ia3", _ia3),
}

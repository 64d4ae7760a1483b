"""IA3: one trained vector for each module, which multiplies its outputs, or its inputs in feedforward modules.

    linear    (out, 1) outputs, (1, in) inputs
    conv      (1, features, 1, …): which side is in the config alone

Liu et al. 2022, https://arxiv.org/abs/2205.05638
"""

from typing import Literal

from adapterhub.formats.pattern import Unreadable, compile_pattern
from adapterhub.formats.peft_parts import Parts
from adapterhub.lora.adapter import Adapter, Gain
from adapterhub.lora.beside import beside
from adapterhub.lora.tuned import Module, Tuned
from adapterhub.lora.values import Get

__all__ = ["read"]

Side = Literal["out", "in"]


def read(parts: Parts, get: Get, name: str) -> Adapter:
    """The adapter; `Corrupt` where nothing says on which side a vector multiplies."""
    place = f"{name}: {parts.weights}"
    tuned = Tuned.of(parts, "ia3", get, place)
    gains = {path: _gain(module, parts) for path, module in tuned}
    return beside(Adapter(gains=gains), parts, tuned.others, get, place)


def _gain(module: Module, parts: Parts) -> Gain:
    vector = module.tensor("l", 2, 5)
    module.agree(vector.numel() == max(vector.shape))
    if vector.ndim == 2 and vector.numel() > 1:
        return Gain(vector.flatten(), "out" if vector.shape[0] > 1 else "in")
    return Gain(vector.flatten(), _side(module, parts.config.fields.get("feedforward_modules")))


def _side(module: Module, feedforward: object) -> Side:
    """As PEFT does it: the end of the path without a look at dots, or a pattern for all of it."""
    if isinstance(feedforward, list):
        return "in" if any(isinstance(end, str) and module.path.endswith(end) for end in feedforward) else "out"
    if isinstance(feedforward, str):
        try:
            return "in" if compile_pattern(feedforward).fullmatch(module.path) else "out"
        except Unreadable as error:
            raise module.corrupt(f"feedforward_modules cannot be read: {error}") from None
    raise module.corrupt("feedforward_modules does not say whether the vector multiplies inputs or outputs")

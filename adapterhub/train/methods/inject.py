"""PEFT puts the trained factors beside the layers; here they are found again by module and part."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor, nn

from adapterhub.formats.peft_keys import PREFIX, Role, parse_key
from adapterhub.train.methods.request import Request
from adapterhub.train.methods.targets import ends, is_conv1d
from adapterhub.train.quiet import peft

__all__ = ["NAME", "Injected", "inject"]

NAME = "default"
"""What PEFT calls an adapter that nobody named."""

Layer = Mapping[Role, nn.Parameter]
"""The parts of one module's change."""


@final
@dataclass(frozen=True, eq=False)
class Injected:
    """A model that computes with an adapter. It is the same object as before, of the same class."""

    model: nn.Module
    outer: Any
    """PEFT's model around it, which knows how to name what is saved."""
    layers: Mapping[str, Layer]
    fields: Mapping[str, Any]
    """The fields of the config that are the same for every method."""

    @property
    def config(self) -> Any:
        return self.outer.peft_config[NAME]

    def scale(self, path: str) -> float:
        """s in ΔW = s·B·A."""
        scale: float = self.model.get_submodule(path).scaling[NAME]  # type: ignore[index, assignment]
        return scale

    def base(self, path: str) -> nn.Module:
        """The frozen layer itself."""
        layer: Any = self.model.get_submodule(path)
        base: nn.Module = layer.get_base_layer()
        return base

    def pairs(self) -> list[tuple[Tensor, Tensor]]:
        """A (r, in) and B (out, r) as they are now, of all layers but convolutions in groups."""
        found = [
            (one.get("A", one.get("embedding_A")), one.get("B", one.get("embedding_B"))) for one in self.layers.values()
        ]
        flat = [(A.flatten(1), B.flatten(1)) for A, B in found if A is not None and B is not None]
        return [(A, B) for A, B in flat if len(A) == B.shape[1]]

    def changed(self) -> dict[str, tuple[int, ...]]:
        """The modules, with the shape of the weight each changes, as its factors say it where they have its form."""
        found = {}
        for path in sorted(self.outer.targeted_module_names):
            weight, layer = self.base(path).get_parameter("weight"), self.layers.get(path, {})
            found[path] = tuple(weight.shape)
            if layer.keys() >= PAIR and layer["A"].ndim == weight.ndim:
                found[path] = (len(layer["B"]), *layer["A"].shape[1:])
        return found

    def heads(self) -> dict[str, Tensor]:
        """What is trained whole, by the names of the base."""
        inside = f".modules_to_save.{NAME}."
        state = self.model.state_dict().items()
        return {name.replace(inside, "."): tensor for name, tensor in state if inside in name}

    def rates(self, lora_plus: float | None) -> dict[str, float]:
        """LoRA+: the parameters that are B, with their multiple of the learning rate. Hayou et al. 2024, 2402.12354"""
        if lora_plus is None:
            return {}
        return {name: lora_plus for name, _ in self.model.named_parameters() if (role(name) or ("", ""))[1] in SECOND}


NAMED = re.compile(rf"\.{NAME}(?=(?:\.weight|\.bias)?$)")
PAIR = {"A", "B"}
SECOND = ("B", "embedding_B", "bias")


def inject(request: Request, chosen: Sequence[str], make: Callable[..., Any], **fields: Any) -> Injected:
    """Freeze the model and put an adapter at the chosen modules; `make` is the class of PEFT's config."""
    model, paths = request.model, [path for path, _ in request.model.named_modules() if path]
    transposed = any(is_conv1d(model.get_submodule(path)) for path in chosen)
    common = {"modules_to_save": sorted(request.heads) or None, "fan_in_fan_out": transposed}
    config = make(target_modules="|".join(map(re.escape, chosen)), **common, **fields)
    with warnings.catch_warnings():
        # Of Conv1D among Linear, of int8 weights it cannot merge into, of names its peers renamed: nothing to be done.
        warnings.simplefilter("ignore")
        outer = peft().PeftModel(model, config, NAME)
    model.train(model.training)  # PEFT's dropout is in training mode whatever the model is in
    layers: dict[str, dict[Role, nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if key := role(name):
            layers.setdefault(key[0], {})[key[1]] = parameter
    written = {**common, "target_modules": ends(chosen, paths), "task_type": request.peft_type}
    return Injected(model, outer, layers, written)


def role(name: str) -> tuple[str, Role] | None:
    """The module and the part of a parameter of an injected model; None for one of the base."""
    return parse_key(PREFIX + NAMED.sub("", name))

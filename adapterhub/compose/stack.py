"""Adapters on a live model: attached without touching a weight, weighed, switched and taken off again.

with stack(model, [("ada/sql", deltas, 0.7), ("ada/chat", others, 0.3)]) as live:
    model(**batch)
    live.weights = {"ada/sql": 1.0}        # absolute: what is not named is off
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Self, final

from torch import nn
from torch.utils.hooks import RemovableHandle

from adapterhub.base.fold import fold, sentence
from adapterhub.base.names import Naming, match
from adapterhub.compose.gate import Gate
from adapterhub.compose.layers import Layer, layer_of
from adapterhub.errors import DoesNotFit, NotFound, WrongUsage
from adapterhub.lora.delta import Delta

__all__ = ["Part", "Stack", "stack"]

Part = tuple[str, Mapping[str, Delta], float]


@final
class Stack:
    """Several adapters on one model. Between `with` and its end they answer; after it the model is as it was."""

    def __init__(self, gates: Sequence[tuple[nn.Module, Gate]], weights: Mapping[str, float]) -> None:
        self._gates = tuple(gates)
        self._handles: list[RemovableHandle] = []
        self._weights = dict.fromkeys(weights, 0.0)
        self.weights = weights

    @property
    def weights(self) -> Mapping[str, float]:
        """The weight of every adapter. Assign a mapping to change them: absolute, what is not named is off."""
        return MappingProxyType(self._weights)

    @weights.setter
    def weights(self, weights: Mapping[str, float]) -> None:
        """Nothing is computed until the next call of the model; a refused assignment changes nothing."""
        if unknown := [name for name in weights if name not in self._weights]:
            raise NotFound(
                f"{', '.join(unknown)}: not in this stack", hint=f"it holds {', '.join(self._weights) or 'nothing'}"
            )
        for name, weight in weights.items():
            if not math.isfinite(weight):
                raise WrongUsage(f"the weight of {name} is {weight}", hint="a weight is a finite number")
        self._weights = {name: float(weights.get(name, 0.0)) for name in self._weights}
        for _, gate in self._gates:
            gate.set(self._weights)

    def __enter__(self) -> Self:
        if self._handles:
            raise WrongUsage("this stack is attached already", hint="make a second one with stack() to nest them")
        self._handles = [gate.attach(module) for module, gate in self._gates]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []


def stack(model: nn.Module, parts: Sequence[Part]) -> Stack:
    """The adapters ready to be attached by `with`; everything that does not fit is said now, and nothing is touched."""
    names = [name for name, _, _ in parts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise WrongUsage(
            f"{', '.join(twice)} stands in this stack more than once",
            hint="name each adapter once, with the sum of its weights",
        )
    modules = dict(model.named_modules(remove_duplicate=False))
    model_type = _model_type(model)
    slots: dict[str, dict[str, Delta]] = {}
    faults = _Faults()
    for name, deltas, _ in parts:
        naming = match(deltas, modules, model_type)
        faults.missing[name] = list(naming.missing)
        for target, delta in _fitting(name, deltas, naming, modules, faults):
            slots.setdefault(target, {})[name] = delta
    faults.refuse(model)
    return Stack(
        [(modules[target], Gate(here)) for target, here in slots.items()], {name: weight for name, _, weight in parts}
    )


def _model_type(model: nn.Module) -> str | None:
    kind = getattr(getattr(model, "config", None), "model_type", None)
    return kind if isinstance(kind, str) else None


@dataclass
class _Faults:
    """What stands in the way, by adapter."""

    missing: dict[str, list[str]] = field(default_factory=dict)
    other: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, model: nn.Module) -> None:
        lines = [f"{name}: no module {sentence(gone)}" for name, gone in self.missing.items() if gone]
        lines += [f"{name}: {fault}" for name, faults in self.other.items() for fault in fold(faults)]
        if lines:
            raise DoesNotFit(
                f"nothing was attached to {type(model).__name__}: " + "; ".join(lines),
                hint="`adapterhub audit` says which base an adapter fits; names are those of model.named_modules()",
            )


def _fitting(
    name: str, deltas: Mapping[str, Delta], naming: Naming, modules: Mapping[str, nn.Module], faults: _Faults
) -> list[tuple[str, Delta]]:
    """The deltas that can be attached, under the live names; the others go among the faults."""
    fitting = []
    for module, target in naming.targets.items():
        layer, delta = layer_of(modules[target]), deltas[module]
        if isinstance(layer, Layer) and layer.shape == delta.shape:
            fitting.append((target, delta))
        else:
            faults.other.setdefault(name, []).append(f"{target} {_why(layer, delta)}")
    return fitting


def _why(layer: Layer | str, delta: Delta) -> str:
    if isinstance(layer, str):
        return f"cannot take it: {layer}"
    return f"is {layer.shape[0]}×{layer.shape[1]}, the adapter changes {delta.shape[0]}×{delta.shape[1]}"

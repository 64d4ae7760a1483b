"""Told once, after the model first ran with an adapter on: modules of it that were never called.

What is attached to them changed nothing. That is as it should be for an image encoder without images; it is not where
the model reads the weights of a module itself.
"""

import re
import warnings
from collections.abc import Collection, Mapping
from typing import Any, final

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from adapterhub.base.fold import sentence
from adapterhub.compose.live.attached import Attached
from adapterhub.compose.live.experts_gate import ExpertsGate
from adapterhub.compose.live.gate import Gate

__all__ = ["Watch"]


@final
class Watch(Attached):
    """A hook on the whole model for one forward, and another after adapters came that have not been watched yet.

    A compiled model is not watched: what it traces has to stay as it is.
    """

    def __init__(self, model: nn.Module, gates: Mapping[str, Gate | ExpertsGate]) -> None:
        self._model, self._gates = model, gates
        self._watched: set[str] = set()
        self._on: frozenset[str] = frozenset()
        self._handle: RemovableHandle | None = None

    def set(self, names: frozenset[str]) -> None:
        """These are on now."""
        self._on = names
        if self._handle is None and self._gates and names - self._watched and "" not in self._gates:
            self._handle = self._model.register_forward_hook(self)

    def forget(self, names: Collection[str]) -> None:
        """These are gone; whoever comes under such a name is watched anew."""
        self._watched -= set(names)
        if not self._gates:
            self.close()

    def close(self) -> None:
        """Watch no longer."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def __call__(self, module: nn.Module, args: Any, output: Any) -> None:
        """The model has run."""
        if torch.compiler.is_compiling():
            return
        self.close()
        new = self._on - self._watched
        self._watched |= new
        if idle := self._idle(new):
            names = ", ".join(sorted({name for path in idle for name in self._gates[path].pieces if name in new}))
            warnings.warn(
                f"{names}: the model ran and did not call {sentence(idle)}, so what is attached there changed nothing. "
                "If this input should have needed it, the model uses its weight without calling it: "
                "fuse the adapter into the weights",
                stacklevel=2,
            )

    def _idle(self, names: Collection[str]) -> list[str]:
        """Modules no forward called, nor any that differs from them in a number: not every expert is called."""
        mine = {path: gate for path, gate in self._gates.items() if any(name in names for name in gate.pieces)}
        alive = {_shape(path) for path, gate in mine.items() if gate.called}
        return [path for path in mine if _shape(path) not in alive]


def _shape(path: str) -> str:
    return re.sub(r"(^|\.)[0-9]+(?=\.|$)", r"\1#", path)

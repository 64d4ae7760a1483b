"""What a stack has put on a model's modules, and takes off again: gates, and tensors in place of the model's."""

import warnings
from collections import ChainMap
from collections.abc import Collection, Mapping, Sequence
from typing import final

import torch
from torch import nn

from adapterhub.base.fold import sentence
from adapterhub.compose.live.eval_only import EvalOnly, guards
from adapterhub.compose.live.experts_gate import ExpertsGate
from adapterhub.compose.live.experts_live import ExpertsLive
from adapterhub.compose.live.fit import Fit
from adapterhub.compose.live.gate import Gate
from adapterhub.compose.live.layers import PLAIN, Layer
from adapterhub.compose.live.mixture import Mixture
from adapterhub.compose.live.pieces import Piece, piece_of
from adapterhub.compose.live.site import join, leave, trace_anew
from adapterhub.compose.live.swap import Swap
from adapterhub.compose.live.watch import Watch

__all__ = ["Live"]


@final
class Live:
    """The attached adapters of one stack, by name."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        kinds = (parameter.dtype for parameter in model.parameters() if parameter.dtype in PLAIN)
        self._default = next(kinds, torch.float32)
        self._gates: dict[str, Gate] = {}
        self._guards: dict[str, Sequence[EvalOnly]] = {}
        self._swaps: dict[str, dict[str, Swap]] = {}
        self._experts = ExpertsLive(model)
        gates: ChainMap[str, Gate | ExpertsGate] = ChainMap(self._gates, self._experts.gates)  # type: ignore[arg-type]
        self._watch = Watch(model, gates)

    def put(self, fits: Mapping[str, Fit], mixture: Mixture) -> None:
        """Attach adapters; if that fails nothing is attached."""
        pieces: dict[str, dict[str, Piece]] = {}
        layers: dict[str, Layer] = {}
        for name, fit in fits.items():
            for path, claim in fit.claims.items():
                layers[path] = fit.layers[path]
                pieces.setdefault(path, {})[name] = piece_of(fit.layers[path], claim)
        gates = {path: self._gate(layers[path], {**self._held(path), **new}, mixture) for path, new in pieces.items()}
        self._experts.put({name: fit.experts for name, fit in fits.items()}, mixture)
        self._replace(gates)
        for name, fit in fits.items():
            self._swaps[name] = {
                f"{path}.{leaf}".lstrip("."): Swap(self._model.get_submodule(path), leaf, tensor)
                for (path, leaf), tensor in fit.tensors.items()
            }
        self.set(mixture)
        trace_anew()

    def take(self, names: Collection[str], mixture: Mixture) -> None:
        """Take adapters off. What somebody has exchanged meanwhile is told at the end."""
        exchanged = self._exchanged()
        for name in names:
            for swap in self._swaps.pop(name, {}).values():
                swap.set(on=False)
        left: dict[str, Gate | None] = {}
        for path, gate in self._gates.items():
            kept = {name: piece for name, piece in gate.pieces.items() if name not in names}
            if len(kept) < len(gate.pieces):
                left[path] = self._gate(gate.layer, kept, mixture) if kept else None
        self._replace(left)
        self._experts.take(names, mixture)
        self.set(mixture)
        self._watch.forget(names)
        trace_anew()
        if exchanged:
            warnings.warn(
                f"{sentence(exchanged)} was exchanged while adapters were on it, as resize_token_embeddings and "
                "tie_weights do: what stands there since had no adapter, and may be a copy of an adapter's whole "
                "tensor. Resize and tie before adapters come",
                stacklevel=3,
            )

    def set(self, mixture: Mixture) -> None:
        """Weigh everything."""
        for gate in self._gates.values():
            gate.set(mixture)
        self._experts.set(mixture)
        for name, swaps in self._swaps.items():
            for swap in swaps.values():
                swap.set(on=name == mixture.whole)
        self._watch.set(mixture.active)

    def _exchanged(self) -> list[str]:
        """Where an adapter was put and the model has another module or tensor now."""
        there = set(self._model.modules())
        gone = [path for path, gate in self._gates.items() if gate.layer.module not in there]
        swaps = {name: swap for some in self._swaps.values() for name, swap in some.items()}
        return gone + [name for name, swap in swaps.items() if swap.module not in there or swap.lost]

    def _held(self, path: str) -> Mapping[str, Piece]:
        return self._gates[path].pieces if path in self._gates else {}

    def _gate(self, layer: Layer, pieces: Mapping[str, Piece], mixture: Mixture) -> Gate:
        return Gate(layer, pieces, mixture, self._default)

    def _replace(self, gates: Mapping[str, Gate | None]) -> None:
        for path, gate in gates.items():
            old = self._gates.pop(path, None)
            for guard in self._guards.pop(path, ()):
                guard.close()
            if gate is not None:
                self._gates[path], self._guards[path] = gate, guards(self._model, path)
                join(gate)
            if old is not None:
                leave(old)

"""What a stack has put on the parameters of a model's modules, and takes off again."""

from collections.abc import Collection, Mapping
from typing import final

from torch import nn

from adapterhub.compose.live.experts import Experts, Place
from adapterhub.compose.live.experts_gate import ExpertsGate
from adapterhub.compose.live.experts_site import join, leave
from adapterhub.compose.live.mixture import Mixture
from adapterhub.compose.live.swap import tensor_at

__all__ = ["ExpertsLive"]


@final
class ExpertsLive:
    """The changed parameters of one stack; `gates` by their full name."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.gates: dict[str, ExpertsGate] = {}

    def put(self, adapters: Mapping[str, Mapping[Place, Experts]], mixture: Mixture) -> None:
        """Attach adapters, by name; if that fails nothing is attached."""
        pieces: dict[Place, dict[str, Experts]] = {}
        for name, places in adapters.items():
            for place, experts in places.items():
                pieces.setdefault(place, self._held(place))[name] = experts
        gates = [self._gate(place, some, mixture) for place, some in pieces.items()]
        for gate in gates:
            self._off(gate.place)
            self._on(gate)

    def take(self, names: Collection[str], mixture: Mixture) -> None:
        """Take adapters off."""
        for gate in list(self.gates.values()):
            kept = {name: piece for name, piece in gate.pieces.items() if name not in names}
            if len(kept) < len(gate.pieces):
                self._off(gate.place)
                if kept:
                    self._on(self._gate(gate.place, kept, mixture))

    def set(self, mixture: Mixture) -> None:
        """Weigh everything."""
        for gate in self.gates.values():
            gate.set(mixture)

    def _gate(self, place: Place, pieces: Mapping[str, Experts], mixture: Mixture) -> ExpertsGate:
        tensor = tensor_at(self._model.get_submodule(place[0]), place[1])
        assert tensor is not None
        return ExpertsGate(place, tensor, pieces, mixture)

    def _held(self, place: Place) -> dict[str, Experts]:
        gate = self.gates.get(_name(place))
        return dict(gate.pieces) if gate is not None else {}

    def _on(self, gate: ExpertsGate) -> None:
        self.gates[_name(gate.place)] = gate
        join(self._model.get_submodule(gate.place[0]), gate)

    def _off(self, place: Place) -> None:
        gate = self.gates.pop(_name(place), None)
        if gate is not None:
            leave(self._model.get_submodule(place[0]), gate)


def _name(place: Place) -> str:
    return ".".join(place).lstrip(".")

"""How large the weights of bases are that an adapter changes, read where the bases lie on this machine."""

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import final

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.report import BaseName
from adapterhub.base.card import Card
from adapterhub.base.find import find
from adapterhub.base.fold import sentence
from adapterhub.base.norms import Matrix, matrices, norms
from adapterhub.base.places import Places
from adapterhub.errors import AdapterHubError
from adapterhub.lora.experts import expert_name
from adapterhub.verbs.base_places import Place, place_of_source
from adapterhub.verbs.desk import Desk

__all__ = ["Sizes"]


@final
@dataclass
class Base:
    """A base that lies here; `known` are the norms that were read."""

    place: Place
    card: Card
    places: Places
    known: dict[Matrix, float] = field(default_factory=dict)

    def norms(self, wanted: Iterable[Matrix]) -> dict[Matrix, float]:
        """‖W‖ of matrices, each read once."""
        self.known |= norms(self.place.members, [one for one in wanted if one not in self.known])
        return self.known


@final
@dataclass
class Sizes:
    """‖W‖ of bases; each base is looked for once and each weight read once."""

    desk: Desk
    bases: dict[tuple[str, ...], Base | None] = field(default_factory=dict)

    def of(self, base: BaseName, adapter: Adapter, modules: Iterable[str]) -> tuple[dict[str, float], tuple[str, ...]]:
        """‖W‖ by module, and in words of which there is none. Modules the base has not are in neither."""
        key = (base.source or "", base.layout_digest, base.weights_digest or "")
        if key not in self.bases:
            self.bases[key] = self._open(base)
        here = self.bases[key]
        if here is None:
            return {}, (f"the weights of {base.name} are not on this machine as they were",)
        found = _wanted(adapter, here)
        asked = {module: found[module] for module in modules if module in found}
        known = here.norms(matrix for matrix in asked.values() if matrix)
        sizes = {module: known[matrix] for module, matrix in asked.items() if matrix}
        return {m: size for m, size in sizes.items() if math.isfinite(size)}, tuple(_words(asked, sizes))

    def _open(self, base: BaseName) -> Base | None:
        place = place_of_source(self.desk, base.source)
        with suppress(AdapterHubError, OSError):
            if place is not None:
                card = place.card(self.desk, hashes=base.weights_digest is not None)
                same = base.weights_digest in (None, card.weights_digest)
                if same and card.layout_digest == base.layout_digest:
                    return Base(place, card, place.tensors())
        return None


def _wanted(adapter: Adapter, base: Base) -> dict[str, Matrix | None]:
    """The matrix each update changes, by the update's name; None where it cannot be read."""
    wanted: dict[str, Matrix | None] = {}
    for module, weight in find(adapter.targets, base.card).weights.items():
        target, found = adapter.targets[module], matrices(weight, base.places)
        if target.stacked and target.shape:
            names = [expert_name(module, number) for number in range(target.shape[0])]
        else:
            names = [module]
        wanted |= zip(names, found, strict=True) if len(found) == len(names) else dict.fromkeys(names)
    return wanted


def _words(asked: dict[str, Matrix | None], sizes: dict[str, float]) -> Iterable[str]:
    packed = [module for module, matrix in asked.items() if not matrix]
    odd = [module for module, size in sizes.items() if not math.isfinite(size)]
    if packed:
        yield f"the weights are quantised or cut in a way that is not read, at {sentence(packed)}"
    if odd:
        yield f"the base's own weights hold NaN or infinity, at {sentence(odd)}"

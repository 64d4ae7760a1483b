"""Are the weights an adapter changes those it was trained on? Told by digests of tensors, module by module."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import starmap
from typing import final

from adapterhub.audit.adapter import Adapter
from adapterhub.base.card import Card
from adapterhub.base.find import find
from adapterhub.base.same import is_copy, known_same, same_bytes
from adapterhub.base.weights import Weight

__all__ = ["Drift", "drift"]


@final
@dataclass(frozen=True)
class Drift:
    """Modules with other bytes, modules cut out of tensors in another way, which have no bytes in common to compare.

    `cast`: whether the weights of some are the same in another precision. `told`: whether anything could be compared.
    """

    drifted: tuple[str, ...] = ()
    uncompared: tuple[str, ...] = ()
    cast: bool = False
    told: bool = True


def drift(adapter: Adapter, base: Card, weights: Mapping[str, Weight], fits: Collection[str]) -> Drift:
    """The fitting modules beside those of the recorded base."""
    pin, recorded = adapter.pin, adapter.recorded
    if pin is not None and known_same(pin, recorded, base):
        return Drift()
    if pin is None or pin.evidence == "name" or recorded is None or recorded.header_only or base.header_only:
        return Drift(told=False)  # whatever has the name may be another
    then = find(adapter.targets, recorded).weights
    said = {module: _alike(recorded, then.get(module), base, weights[module]) for module in fits}
    return Drift(
        tuple(module for module, word in said.items() if word == "drifted"),
        tuple(module for module, word in said.items() if word == "uncompared"),
        "cast" in said.values(),
    )


def _alike(recorded: Card, was: Weight | None, base: Card, now: Weight) -> str:
    if was is None or was.storage != now.storage:
        return "drifted"
    if was.part != now.part or len(was.tensors) != len(now.tensors):
        return "uncompared"
    pairs = [(recorded.by_name[one], base.by_name[other]) for one, other in zip(was.tensors, now.tensors, strict=True)]
    if all(starmap(same_bytes, pairs)):
        return "same"
    return "cast" if all(starmap(is_copy, pairs)) else "drifted"

"""An adapter beside a base, after the names were matched: what every check looks at."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import final

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.drift import Drift
from adapterhub.audit.report import Mismatch
from adapterhub.base.card import Card
from adapterhub.base.find import Found
from adapterhub.base.names import Naming
from adapterhub.base.weights import Weight

__all__ = ["Pair"]

VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
SWAPPED = (0, 19, 0)
"""The one version of PEFT whose order of a parameter's inputs and outputs hangs on the model's class: before it the
first size was the input, after it what is. Measured: peft 0.17.1, 0.18.1, 0.19.0, 0.19.1, 0.20.0, 0.21."""


@final
@dataclass(frozen=True)
class Pair:
    """`fits` are the adapter's modules that are there with the right shape."""

    adapter: Adapter
    base: Card
    found: Found
    fits: tuple[str, ...]
    mismatched: tuple[Mismatch, ...]
    compared: Drift

    @property
    def naming(self) -> Naming:
        """What each module of the adapter is called in the base."""
        return self.found.naming

    @property
    def weights(self) -> Mapping[str, Weight]:
        """The weight of each module that was found, by the adapter's name."""
        return self.found.weights

    @property
    def drifted(self) -> tuple[str, ...]:
        """The fitting modules with other bytes than those it was trained on."""
        return self.compared.drifted

    @property
    def tied(self) -> dict[str, str]:
        """Modules without a weight of their own, with the tensor they share."""
        return {module: weight.tensors[0] for module, weight in self.weights.items() if weight.rule == "tied"}

    @property
    def quantised(self) -> dict[str, str]:
        """Modules whose weight is quantised, and how."""
        return {module: weight.storage for module, weight in self.weights.items() if weight.storage}

    @property
    def unshaped(self) -> tuple[str, ...]:
        """Modules whose weight is there and its shape not to be told."""
        return tuple(module for module, weight in self.weights.items() if weight.shape is None)

    @property
    def ambiguous(self) -> tuple[str, ...]:
        """Square matrices of experts by a version of PEFT that is not known: which side is the input cannot be told."""
        found = VERSION.match(str(self.adapter.facts.details.get("peft_version") or ""))
        if found and tuple(map(int, found.groups())) != SWAPPED:
            return ()
        stacked = {module: target.shape for module, target in self.adapter.targets.items() if target.stacked}
        return tuple(module for module, shape in stacked.items() if shape and shape[1] == shape[2])

    @cached_property
    def unexpected(self) -> tuple[str, ...]:
        """Saved tensors that the base has not."""
        return tuple(name for name in self.adapter.saved if not self._has(self.in_base(name)))

    def in_base(self, tensor: str) -> str:
        """What a tensor of the adapter is called in the base.

        The rule is made for modules, so the last word (weight, bias) is set aside.
        """
        module, dot, last = tensor.rpartition(".")
        return f"{self.naming.rewrite(module)}{dot}{last}"

    def _has(self, tensor: str) -> bool:
        module, _, last = tensor.rpartition(".")
        return tensor in self.base.named or (last == "weight" and module in self.base.reachable)

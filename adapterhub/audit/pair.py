"""An adapter beside a base, after the names were matched: what every check looks at."""

from dataclasses import dataclass
from typing import final

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.report import Mismatch
from adapterhub.base.card import Card
from adapterhub.base.names import Naming

__all__ = ["Pair"]


@final
@dataclass(frozen=True)
class Pair:
    """`fits` are the adapter's modules that are there with the right shape, `drifted` those with other bytes."""

    adapter: Adapter
    base: Card
    naming: Naming
    fits: tuple[str, ...]
    mismatched: tuple[Mismatch, ...]
    drifted: tuple[str, ...]

    @property
    def unexpected(self) -> tuple[str, ...]:
        """Saved tensors that the base has not."""
        return tuple(name for name in self.adapter.saved if self.in_base(name) not in self.base.by_name)

    def in_base(self, tensor: str) -> str:
        """What a tensor of the adapter is called in the base.

        The rule is made for modules, so the last word (weight, bias) is set aside.
        """
        module, dot, last = tensor.rpartition(".")
        return f"{self.naming.rewrite(module)}{dot}{last}"

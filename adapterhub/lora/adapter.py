"""An adapter in memory: all it does to a model, sorted by what kind of thing that is.

    deltas       module -> ΔW in factors: adds to the weight
    shifts       module -> s·b (out,): adds to the output, and so to the bias
    magnitudes   module -> m (out,): DoRA, the lengths of the rows of W + ΔW
    gains        module -> IA3: factors of the inputs or the outputs
    biases       module -> (out,): stands in place of the base's bias
    rows         module -> rows of an embedding that stand in place of the base's
    tensors      parameter -> a whole tensor that stands in place of the base's

Only the first two add up and can be merged without a base. What stands in place of something is chosen, not blended.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, final

from torch import Tensor

from adapterhub.lora.delta import Delta

__all__ = ["WORDS", "Adapter", "Gain", "Rows"]


@final
@dataclass(frozen=True, eq=False)
class Gain:
    """IA3: `vector` multiplies the module's outputs (out,) or, on the other side, its inputs (in,).

    Liu et al. 2022, https://arxiv.org/abs/2205.05638
    """

    vector: Tensor
    side: Literal["out", "in"]


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """Trained tokens: rows of an embedding. `values`: (n, dim)."""

    indices: tuple[int, ...]
    values: Tensor


@final
@dataclass(frozen=True, eq=False)
class Adapter:
    """What `load` gives; modules are named without PEFT's prefix."""

    deltas: Mapping[str, Delta] = field(default_factory=dict)
    shifts: Mapping[str, Tensor] = field(default_factory=dict)
    magnitudes: Mapping[str, Tensor] = field(default_factory=dict)
    gains: Mapping[str, Gain] = field(default_factory=dict)
    biases: Mapping[str, Tensor] = field(default_factory=dict)
    rows: Mapping[str, Rows] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)

    def beyond(self, *handled: str) -> Iterator[str]:
        """What the adapter carries besides its deltas and the fields that are handled, in words."""
        for kind, words in WORDS.items():
            if kind not in handled:
                yield from (f"{words} at {name}" for name in getattr(self, kind))


WORDS = {
    "shifts": "a bias of B",
    "magnitudes": "a DoRA magnitude",
    "gains": "an IA3 vector",
    "biases": "a bias in place of the base's",
    "rows": "trained tokens",
    "tensors": "a whole tensor",
}

"""A model that is ready to be trained, and how what was trained is written."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapterhub.train.engine.part import Part

__all__ = ["Attached"]


@final
@dataclass(frozen=True)
class Attached:
    """What a method made of a model: parameters that require a gradient are trained, all else is frozen."""

    model: "nn.Module"
    save: Callable[[Path, str], None]
    """Write a folder that `add` takes, the same bytes for the same weights; the word is the base's name in it."""
    file_bytes: Callable[[], int]
    """How large the weights of that folder are, as the model is now, without writing them."""
    rates: Mapping[str, float] = field(default_factory=dict)
    """Parameter -> its learning rate as a multiple of the common one; 1 unless it stands here."""
    parts: "tuple[Part, ...]" = ()
    factors: "Callable[[], Iterable[tuple[Tensor, Tensor]]] | None" = None
    """The pairs (A, B) as they are now, A (r, in) and B (out, r); None where nothing has two factors."""
    changed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The modules with an adapter, and the shape (out, in, …) of the weight each changes; none where all is trained."""
    outer: Any = None
    """PEFT's model around `model`, which takes the tensors of a folder it wrote; None where there is none."""

"""Which updates meet in one weight, and what of an adapter meets nothing because it is no update in factors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.base.fold import sentence
from adapterhub.lora.adapter import WORDS, Adapter
from adapterhub.lora.delta import Delta

__all__ = ["Meeting", "left_out", "meetings"]


@final
@dataclass(frozen=True)
class Meeting:
    """The updates of one weight (out, in), in one place for each adapter; None where it has none of this shape."""

    module: str
    shape: tuple[int, int]
    deltas: tuple[Delta | None, ...]

    @property
    def ranks(self) -> Tensor:
        """The ranks of the factors as they are saved, 0 where there are none: (n,)"""
        return torch.tensor([0 if delta is None else delta.rank for delta in self.deltas])


def meetings(adapters: Sequence[Adapter]) -> Iterator[Meeting]:
    """Every weight that is changed, in the order of the adapters' files. Other shapes are other weights."""
    for module in dict.fromkeys(module for adapter in adapters for module in adapter.deltas):
        deltas = _narrowed([adapter.deltas.get(module) for adapter in adapters])
        for shape in dict.fromkeys(delta.shape for delta in deltas if delta):
            yield Meeting(module, shape, tuple(delta if delta and delta.shape == shape else None for delta in deltas))


def _narrowed(deltas: Sequence[Delta | None]) -> list[Delta | None]:
    """VeRA saves one A for all modules, as wide as the widest: another adapter tells how wide the weight is."""
    sure = {delta.shape[0]: delta for delta in deltas if delta and not delta.loose}
    return [
        delta.within(known.shape, known.form) if delta and (known := sure.get(delta.shape[0])) else delta
        for delta in deltas
    ]


def left_out(adapter: Adapter) -> Iterator[str]:
    """What an adapter carries that is no update in factors, in words."""
    for kind, words in WORDS.items():
        if names := getattr(adapter, kind):
            yield f"{words} at {sentence(names)}"

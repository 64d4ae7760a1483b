"""What the audit knows of an adapter: the shapes in its header, its facts, and what it is pinned to."""

from dataclasses import dataclass, field
from typing import final

from adapterhub.base.card import Card
from adapterhub.facts import Facts
from adapterhub.manifest import BasePin

__all__ = ["Adapter", "Target"]


@final
@dataclass(frozen=True)
class Target:
    """A module the adapter changes: the shape of the weight it expects as (out, in, …); None where that is not said."""

    shape: tuple[int, ...] | None = None


@final
@dataclass(frozen=True)
class Adapter:
    """One side of a fit, all names without PEFT's prefix.

    `saved` are whole tensors stored beside the factors, `unread` modules whose header says no shape of a weight;
    `listed` are the config's targets where they are a plain list. `pin` is what it was trained on, by the manifest or
    else by a note; `noted` is the note's pin; `recorded` is the card of the pinned base.
    """

    name: str
    facts: Facts
    targets: dict[str, Target]
    digest: str | None = None
    saved: dict[str, tuple[int, ...]] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    transposed: bool = False
    model_type: str | None = None
    pin: BasePin | None = None
    noted: BasePin | None = None
    recorded: Card | None = None

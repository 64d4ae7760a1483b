"""What the audit knows of an adapter: the shapes in its header, its facts, and what it is pinned to."""

from dataclasses import dataclass, field
from typing import final

from adapterhub.base.card import Card
from adapterhub.facts import Facts
from adapterhub.formats.peft_config import PeftConfig
from adapterhub.formats.peft_tensor_checks import Reason
from adapterhub.manifest import BasePin

__all__ = ["Adapter", "Target"]


@final
@dataclass(frozen=True)
class Target:
    """A module the adapter changes: the shape of the weight it expects as (out, in, …); None where that is not said.

    A size of -1 is one that is not said. `stacked` is a parameter of experts, (experts, out, in) as the factors have
    it; the base may hold it turned. `flat` is a matrix that stands for a convolution's kernel too.
    """

    shape: tuple[int, ...] | None = None
    stacked: bool = False
    flat: bool = False


@final
@dataclass(frozen=True)
class Adapter:
    """One side of a fit, all names without PEFT's prefix.

    `saved` are whole tensors stored beside the factors, `unread` modules whose header says no shape of a weight;
    `listed` are the config's targets where they are a plain list. `pin` is what it was trained on, by the manifest or
    else by a note; `noted` is the note's pin; `recorded` is the card of the pinned base.

    What engines may misread: `config`, the `roles` its factors play, why (`reasons`) each other tensor is there, which
    rows of embeddings it trains (`tokens`), and all `files` of the folder.
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
    config: PeftConfig | None = None
    roles: frozenset[str] = frozenset()
    reasons: dict[str, Reason] = field(default_factory=dict)
    tokens: dict[str, tuple[int, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()

"""What an extraction will compare, from headers alone: the matrices that can become factors, and what cannot."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import final

from adapterhub.base.names import transposed
from adapterhub.compose.checkpoints.checkpoint import Checkpoint, open_checkpoint
from adapterhub.compose.checkpoints.difference import Pair, pairs
from adapterhub.compose.checkpoints.embeddings import embeds
from adapterhub.compose.checkpoints.tied import shares
from adapterhub.compose.lowrank import Limit
from adapterhub.errors import NotFound, WrongUsage

__all__ = ["ExtractPlan", "Place", "plan_extract"]

SUCH = "such as rank 16 (--rank 16), or energy 0.9 (--energy 0.9), the part of the squared norm that is kept"


@final
@dataclass(frozen=True)
class Place:
    """A weight that may become factors. `shape` is (out, in) of the change; `turned` where it is stored (in, out)."""

    pair: Pair
    module: str
    shape: tuple[int, int]
    embedding: bool
    turned: bool


@final
@dataclass(frozen=True)
class ExtractPlan:
    """The weights that are compared, tensors whose changes can be no factors and why, and what is in one alone."""

    base: Checkpoint
    tuned: Checkpoint
    limit: Limit
    places: tuple[Place, ...]
    others: Mapping[Pair, str]
    alone: Mapping[str, str]

    def rank(self, place: Place) -> int | None:
        """The largest rank its factors can have; None where an energy decides."""
        return min(self.limit.rank, *place.shape) if self.limit.rank else None

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All tensors that are compared."""
        return (*(place.pair for place in self.places), *self.others)


def plan_extract(
    base: Path, tuned: Path, *, rank: int | None = None, energy: float | None = None, targets: str | None = None
) -> ExtractPlan:
    """The plan; see `compose.checkpoints.extract`."""
    limit = _limit(rank, energy)
    first, second = open_checkpoint(base), open_checkpoint(tuned)
    alone: dict[str, str] = {}
    both = list(pairs(first, second, alone))
    if targets and not any(fnmatchcase(_module(pair), targets) for pair in both):
        raise NotFound(f"{targets!r} matches no module of {base}", hint="`*` stands for anything, dots too")
    reasons = {pair: next(_reasons(first, pair, targets), "") for pair in both}
    places = tuple(_place(first, pair) for pair, why in reasons.items() if not why)
    return ExtractPlan(first, second, limit, places, {pair: why for pair, why in reasons.items() if why}, alone)


def _limit(rank: int | None, energy: float | None) -> Limit:
    limit = Limit(rank, energy)
    if limit.none:
        raise WrongUsage("a rank or an energy says how far the change is cut", hint=SUCH)
    if found := list(limit.faults()):
        raise WrongUsage("; ".join(found), hint=SUCH)
    return limit


def _module(pair: Pair) -> str:
    return pair.name.removesuffix(".weight")


def _place(base: Checkpoint, pair: Pair) -> Place:
    module = _module(pair)
    embedding, turned = embeds(base, module), transposed(module, base.model_type)
    out, into = reversed(pair.base.shape) if embedding or turned else pair.base.shape
    return Place(pair, module, (out, into), embedding, turned)


def _reasons(base: Checkpoint, pair: Pair, targets: str | None) -> Iterator[str]:
    """Why a change of this tensor cannot be a delta."""
    name, shape = pair.name, pair.base.shape
    if len(shape) != 2 or not name.endswith(".weight"):
        yield f"it is no matrix of a module: {'×'.join(map(str, shape)) or 'one number'}"
    elif targets and not fnmatchcase(_module(pair), targets):
        yield f"it does not match {targets!r}"
    elif shares(base, name):
        yield "the output layer shares it, and an adapter would change the embedding alone"

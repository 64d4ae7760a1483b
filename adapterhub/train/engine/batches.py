"""Which examples a step takes, and which of them a process, and at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import final

from adapterhub.train.config import OptimConfig
from adapterhub.train.engine.dice import order

__all__ = ["Batches", "parts", "share"]

EPOCHS = 3
"""Where neither epochs nor steps are said."""


@final
@dataclass(frozen=True)
class Batches:
    """The batches of a run: each epoch has every example once, its last batch what is left."""

    count: int
    size: int
    seed: int

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch."""
        return ceil(self.count / self.size)

    def at(self, step: int) -> list[int]:
        """The examples of a step (from 0), whoever computes them."""
        epoch, place = divmod(step, self.per_epoch)
        return list(_order(self.count, self.seed, epoch)[place * self.size : (place + 1) * self.size])

    def steps(self, epochs: float) -> int:
        """How many steps so many epochs are; at least one."""
        return max(1, round(epochs * self.per_epoch))

    def length(self, asked: OptimConfig) -> int:
        """How many steps a run has, if nothing stops it."""
        return asked.steps or self.steps(asked.epochs or EPOCHS)


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> tuple[int, ...]:
    return tuple(order(count, seed, epoch))


def share(batch: Sequence[int], rank: int, size: int) -> Sequence[int]:
    """What one of several processes takes of a batch; nothing where there are fewer examples than processes.

    >>> share([7, 8, 9], 0, 2), share([7, 8, 9], 1, 2)
    ([7, 9], [8])
    """
    return batch[rank::size]


def parts(batch: Sequence[int], micro: int) -> Iterator[Sequence[int]]:
    """A batch in pieces of at most `micro`."""
    for start in range(0, len(batch), micro):
        yield batch[start : start + micro]

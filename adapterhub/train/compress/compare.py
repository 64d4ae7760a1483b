"""What became of a checkpoint: what every weight lost, and how many of its numbers are zero."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from adapterhub.train.compress.error import Loss, lost, total
from adapterhub.train.compress.folders import Folder
from adapterhub.train.compress.targets import chosen

__all__ = ["Compared", "compare"]


@final
@dataclass(frozen=True)
class Compared:
    """The weights that are compressed, by name: what each lost; of all, numbers and zeros now. Bytes of all tensors."""

    losses: dict[str, Loss]
    numbers: int
    zeros: int
    bytes_before: int
    bytes_after: int

    @property
    def loss(self) -> Loss:
        return total(self.losses.values())

    @property
    def share(self) -> float:
        """Of zeros among the numbers."""
        return self.zeros / self.numbers


def compare(before: Folder, after: Folder, keep: Iterable[str] = ()) -> Compared:
    """Two checkpoints of the same model, one tensor in memory at a time; what is in eight bits is multiplied out."""
    losses, numbers, zeros = {}, 0, 0
    for name in chosen(before.rows, keep):
        old, new = before.get(name), after.value(name)
        losses[name] = lost(old, new)
        numbers, zeros = numbers + new.numel(), zeros + int((new == 0).sum())
    return Compared(losses, numbers, zeros, before.size, after.size)

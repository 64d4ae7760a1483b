"""How many examples are computed at once: as many as memory allows, found by measuring and never by dying.

    peak(k) = fixed + k·each

measured at one and at two of the longest examples. The result of a training does not depend on it, for gradients are
sums; so it may be chosen, halved and chosen anew on another machine.
"""

import gc
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

from adapterhub.errors import Refused

__all__ = ["Micro", "OutOfMemory", "find_micro", "halved", "is_out_of_memory", "within_memory"]

MARGIN = 0.1
"""The part of the budget that is left free: what operations take inside themselves, and what the allocator wastes."""

STRIDE = 8
"""So many times what was measured is the next trial at most: a line through 1 and 2 says little about 1000."""

SAID = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED", "bad_alloc")
"""How torch's allocators and libraries say it where they have no error of its own for it."""


class OutOfMemory(Refused):
    """Memory does not do for what is asked: one example, an adapter, the optimiser, or the base itself."""


@final
@dataclass(frozen=True)
class Micro:
    """`size` examples at once, in `parts` parts of a batch, and what was measured: bytes by number of examples.

    fixed, each: the line through what was measured. A peak of None: memory was out.
    """

    size: int
    batch: int
    budget: int
    fixed: int
    each: int
    peaks: Mapping[int, int | None]

    @property
    def parts(self) -> int:
        """Into how many the batch is split, as evenly as it goes."""
        return math.ceil(self.batch / self.size)

    @property
    def peak(self) -> int:
        """What was measured at the size that was chosen."""
        return self.peaks[self.size] or 0


def find_micro(probe: Callable[[int], int], batch: int, budget: int) -> Micro:
    """The fewest even parts of a batch that fit in the budget, each tried once it is chosen.

    probe: the peak in bytes, beyond what is there anyway, of a forward and backward pass over so many of the longest
    examples; it may run out of memory. batch: examples of a step in this process. budget: bytes it may take, of which a
    tenth stays free. `OutOfMemory` where not even one example fits.
    """
    usable = int(budget * (1 - MARGIN))
    peaks = {1: _tried(probe, 1)}
    if not _fits(peaks[1], usable):
        raise _too_much(peaks[1], budget)
    wanted = min(2, batch)
    while wanted not in peaks:
        size = min(wanted, STRIDE * max(peaks))
        peaks[size] = _tried(probe, size)
        if size != wanted or size == 2 or not _fits(peaks[size], usable):
            wanted = _chosen(peaks, batch, usable)
    fixed, each = _line(peaks)
    return Micro(wanted, batch, budget, fixed, each, peaks)


def halved(size: int) -> int:
    """What to go on with where memory ran out.

    >>> halved(16), halved(3), halved(1)
    (8, 2, 1)
    """
    return (size + 1) // 2


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, of the machine or of an accelerator, is used up.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in SAID)


@contextmanager
def within_memory(what: str, *, hint: str) -> Iterator[None]:
    """Within it memory that runs out is `OutOfMemory`, which says what it was for.

    >>> with within_memory("the base does not fit", hint="a smaller one"):
    ...     raise MemoryError("9 GB")
    Traceback (most recent call last):
    adapterhub.train.resources.micro.OutOfMemory: memory: the base does not fit: 9 GB
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"memory: {what}: {error}", hint=hint) from None


def _tried(probe: Callable[[int], int], size: int) -> int | None:
    try:
        return probe(size)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    # Only here are the frames gone that the error held, and with them what they had allocated.
    gc.collect()
    return None


def _fits(peak: int | None, usable: int) -> bool:
    return peak is not None and peak <= usable


def _line(peaks: Mapping[int, int | None]) -> tuple[int, int]:
    """The fixed part and that of each example, by the smallest and the largest number that were measured."""
    known = {size: peak for size, peak in peaks.items() if peak is not None}
    last = max(known)
    each = (known[last] - known[1]) // (last - 1) if last > 1 else known[1]
    return max(0, known[1] - max(0, each)), max(0, each)


def _chosen(peaks: Mapping[int, int | None], batch: int, usable: int) -> int:
    """The largest even part of the batch that should fit, smaller than all that did not."""
    fixed, each = _line(peaks)
    largest = min(batch, (usable - fixed) // each if each else batch)
    for size, peak in peaks.items():
        if not _fits(peak, usable):
            largest = min(largest, size - 1 if peak is not None else size // 2)
    return math.ceil(batch / math.ceil(batch / max(1, largest)))


def _too_much(peak: int | None, budget: int) -> OutOfMemory:
    need = "ran out of memory" if peak is None else f"takes {peak / 1e6:,.1f} MB and a tenth to spare"
    return OutOfMemory(
        f"memory: one example, the longest, {need}; there are {budget / 1e6:,.1f} MB for it",
        hint="in order: optim.activation_checkpointing: true; a smaller data.max_length; adapter.quantize: int8; a "
        "smaller adapter.rank; more --memory",
    )

"""What a merge will cost, from shapes alone: leading terms, no promises.

    m, n    the shape of ΔW    N    how many meet    R    the sum of their ranks    k    the rank that is written

factors     4·R²(m+n)                   inner products of the stacked factors, once more for the rounding
cut         2·R²(m+n) + 8·k²(m+n) + 4·R·k(m+n) + 20·R³
core        8·R²(m+n) + 20·N·R³         bases of the shared space, once more for the result
updates     2·R·m·n for each look at the elements, then an SVD or 14 products with a sketch of k + 16 columns
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from adapterhub.compose.lowrank import EXACT
from adapterhub.compose.merging.plan import Step
from adapterhub.compose.methods import METHODS

__all__ = ["Cost", "cost"]

F32, F64 = 4, 8
LOOKS = {"trim": 3, "band": 5}
"""Products of the factors for each method of pruning: the thresholds look twice each."""


@final
@dataclass(frozen=True)
class Cost:
    """Floating-point operations, bytes of the factors that are written at most, and bytes of memory at the peak."""

    flops: int
    writes: int
    memory: int


def cost(steps: Sequence[Step], reads: int) -> Cost:
    """The cost of a plan. reads: the bytes of the adapters, which are all in memory at once, as the result is."""
    writes = sum(F32 * step.rank * sum(step.shape) for step in steps)
    return Cost(sum(map(_flops, steps)), writes, reads + writes + max(map(_room, steps)))


def _flops(step: Step) -> int:
    (m, n), (R, k), count = step.shape, _ranks(step), len(step.terms)
    around, seen = m + n, METHODS[step.method].seen
    if seen == "factors" and step.limit.none:
        return 4 * R * R * around
    cut = 2 * R * R * around + 8 * k * k * around + 4 * R * k * around + 20 * R**3
    if seen == "factors":
        return cut
    if seen != "updates":
        return cut + 8 * R * R * around + 20 * count * R**3
    looks = LOOKS.get(METHODS[step.method].function.partition(":")[2], 1)
    dense = 20 * m * n * min(m, n) if min(m, n) <= EXACT else 14 * 2 * m * n * (k + 16)
    return looks * 2 * R * m * n + dense


def _room(step: Step) -> int:
    """Bytes that the work on one module takes: copies of its factors in float64, and the matrix where it is made."""
    (m, n), (R, _) = step.shape, _ranks(step)
    stacked = 4 * F64 * R * (m + n)
    if METHODS[step.method].seen != "updates":
        return stacked
    return stacked + (4 * F64 if min(m, n) <= EXACT else 2 * F32) * m * n


def _ranks(step: Step) -> tuple[int, int]:
    return sum(term.rank for term in step.terms), step.rank

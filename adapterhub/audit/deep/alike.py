"""Two adapters from their sketches: does one do exactly what the other does, or that and stronger, or the opposite?"""

import math
from collections.abc import Iterable

from adapterhub.audit.deep.values import Sketch, Values

__all__ = ["factor"]

LEAST = 1e-4
"""Rounding, in parts of ‖ΔW‖: that of other factors in fp32, where they are not well conditioned."""

ROOM = 10.0
"""How much more one module may be off than all together; a sketch of nine numbers may tell three times too little."""


def factor(mine: Values, other: Values) -> float | None:
    """c where every update is c times the other's within rounding, and all else is equal; None where that is not so.

    Nothing is alike where an adapter changes nothing.
    """
    if not mine.sketches or mine.sketches.keys() != other.sketches.keys():
        return None
    near = max(LEAST, mine.precision, other.precision)
    pairs = [(key.startswith("deltas "), row, other.sketches[key]) for key, row in mine.sketches.items()]
    updates = [(one, two) for is_delta, one, two in pairs if is_delta]
    rest = [(one, two) for is_delta, one, two in pairs if not is_delta]
    square = sum(_dot(two, two) for _, two in updates)
    if updates and not (square and sum(_dot(one, one) for one, _ in updates)):
        return None
    times = sum(_dot(one, two) for one, two in updates) / square if updates else 1.0
    if not (_same(updates, times, near) and _same(rest, 1.0, near)):
        return None
    return 1.0 if abs(times - 1) <= near else times


def _same(pairs: Iterable[tuple[Sketch, Sketch]], times: float, near: float) -> bool:
    """Whether the first are so many times the second: together, and each by itself."""
    found = list(pairs)
    sizes = [math.sqrt(_dot(one, one)) for one, _ in found]
    gaps = [math.dist(one, [times * number for number in two]) for one, two in found if len(one) == len(two)]
    if len(gaps) < len(found):
        return False
    whole = math.hypot(*sizes)
    each = all(gap <= ROOM * near * size + 1e-9 * whole for gap, size in zip(gaps, sizes, strict=True))
    return each and math.hypot(*gaps) <= near * whole


def _dot(one: Sketch, two: Sketch) -> float:
    return sum(a * b for a, b in zip(one, two, strict=False))

"""A curve that can be read: its running mean, and few enough points to draw."""

from collections.abc import Sequence
from itertools import pairwise
from typing import final

__all__ = ["Smooth", "smoothed", "span", "thinned"]

Points = tuple[list[float], list[float]]
"""Where, and how much."""


def span(steps: int) -> int:
    """Over how many steps a run of a length is smoothed: a fiftieth of it; a short one is shown as it is.

    >>> span(20), span(3000)
    (1, 60)
    """
    return max(1, steps // 50)


@final
class Smooth:
    """A running mean that forgets: mₖ = Σ (1-a)^(k-i)·xᵢ / Σ (1-a)^(k-i), with a = 2/(span+1).

    Divided by the weights there are, so the first values are not drawn towards zero.
    """

    def __init__(self, span: int) -> None:
        self.keep = 1 - 2 / (span + 1)
        self.sum = self.weight = 0.0

    def add(self, value: float) -> float:
        """The mean with one more value."""
        self.sum = self.keep * self.sum + value
        self.weight = self.keep * self.weight + 1
        return self.sum / self.weight


def smoothed(values: Sequence[float], over: int) -> list[float]:
    """The running mean at every value."""
    mean = Smooth(over)
    return [mean.add(value) for value in values]


def thinned(places: Sequence[float], values: Sequence[float], most: int = 2000) -> Points:
    """At most so many points that draw the same picture: of each stretch the least and the largest, in their order."""
    if len(values) <= most:
        return list(places), list(values)
    stretches = most // 2
    ends = [len(values) * number // stretches for number in range(stretches + 1)]
    kept = []
    for start, stop in pairwise(ends):
        stretch = range(start, stop)
        kept += sorted({min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)})
    return [places[i] for i in kept], [values[i] for i in kept]

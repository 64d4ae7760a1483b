"""Whether one arm is better than another, or the test rows happened to suit it."""

from collections.abc import Sequence

from adapterhub.document import Document
from adapterhub.errors import WrongUsage

__all__ = ["Difference", "difference"]

AT_ONCE = 1 << 22
"""Drawn rows held at a time: 64 MB."""


class Difference(Document):
    """The mean of a - b over test rows, and between which numbers it lies."""

    mean: float
    low: float
    high: float
    confidence: float
    rows: int
    draws: int
    seed: int


def difference(
    a: Sequence[float], b: Sequence[float], *, draws: int = 10_000, confidence: float = 0.95, seed: int = 0
) -> Difference:
    """The paired bootstrap: rows are drawn with replacement, the same for both arms, and the percentiles are taken.

    a, b: one score for each test row, in the same order (1 where it was answered right, else 0). The arms see the same
    rows, so what is hard for both cancels; that is why the interval is narrower than that of two separate means.

        dᵢ = aᵢ - bᵢ     θ* = mean of n rows drawn from d     [low, high] = percentiles of θ* at (1 ∓ confidence)/2

    Efron 1979, Bootstrap methods: another look at the jackknife; Koehn 2004 (W04-3250) for systems on one test set.
    """
    import numpy

    if len(a) != len(b) or not len(a):
        raise WrongUsage(
            f"a paired bootstrap needs the same rows for both arms, at least one: got {len(a)} and {len(b)}",
            hint="score both arms on one test table, in its order",
        )
    d = numpy.asarray(a, dtype=numpy.float64) - numpy.asarray(b, dtype=numpy.float64)
    dice, rows = numpy.random.Generator(numpy.random.PCG64(seed)), len(d)
    share = max(1, AT_ONCE // rows)
    means = [
        d[dice.integers(rows, size=(min(share, draws - start), rows))].mean(axis=1) for start in range(0, draws, share)
    ]
    tail = 50 * (1 - confidence)
    low, high = numpy.percentile(numpy.concatenate(means), (tail, 100 - tail))
    return Difference(
        mean=float(d.mean()), low=float(low), high=float(high), confidence=confidence, rows=rows, draws=draws, seed=seed
    )

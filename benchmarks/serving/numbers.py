"""Numbers for people, and what many runs come to."""

import math
import statistics
from collections.abc import Iterator, Sequence

__all__ = ["milliseconds", "plain", "quantile", "turns"]


def turns(runs: int) -> Iterator[bool]:
    """Whether each turn counts; where there are several runs, one more comes before them that does not."""
    if runs > 1:
        yield False
    yield from [True] * runs


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies; the median is the usual one, of none it is not a number."""
    if not values:
        return math.nan
    if share == 0.5:
        return statistics.median(values)
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def plain(value: float) -> str:
    """Three digits that count, and no more than are there.

    >>> plain(0.01234), plain(1.234), plain(123.4), plain(12345.6)
    ('0.0123', '1.23', '123', '12,346')
    """
    if value != value:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds."""
    return plain(1000 * seconds)

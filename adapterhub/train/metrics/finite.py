"""The metrics that can be kept: JSON has no NaN, and neither has a note."""

from collections.abc import Mapping
from math import isfinite

__all__ = ["finite"]


def finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """Those that are finite numbers.

    >>> finite({"accuracy": 0.5, "auc": float("nan")})
    {'accuracy': 0.5}
    """
    return {name: value for name, value in metrics.items() if isfinite(value)}

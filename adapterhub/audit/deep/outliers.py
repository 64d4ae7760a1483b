"""Updates that are far larger or smaller than those of their kind, by a rule that outliers cannot move.

    |x − median| > 3.5 · 1.4826 · MAD,  x = ln size,  MAD the median of |x − median|

Iglewicz and Hoaglin 1993, How to Detect and Handle Outliers. A kind is the modules whose names differ in numbers alone.
"""

import math
import re
from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

__all__ = ["Outlier", "outliers"]

FAR = 3.5 * 1.4826
"""In MADs; 1.4826 makes one of a normal distribution its standard deviation."""

LEAST = math.log(8)
"""Sizes of layers differ in healthy adapters, the first by six times: what is less than eight times away is none."""

FEW = 6
"""So many modules of a kind tell what is usual."""

NUMBER = re.compile(r"(?<![^.\[])\d+(?![^.\]])")


class Outlier(NamedTuple):
    """A module, its size, and the median of its kind."""

    module: str
    size: float
    usual: float


def outliers(sizes: Mapping[str, float]) -> list[Outlier]:
    """The outliers among positive sizes, by module.

    >>> outliers({f"h.{n}.q": 40.0 if n == 3 else 1.0 + n / 10 for n in range(8)})
    [Outlier(module='h.3.q', size=40.0, usual=1.45)]
    """
    kinds: dict[str, dict[str, float]] = {}
    for module, size in sizes.items():
        if size > 0:
            kinds.setdefault(NUMBER.sub("*", module), {})[module] = size
    return [found for kind in kinds.values() if len(kind) >= FEW for found in _far(kind)]


def _far(kind: Mapping[str, float]) -> list[Outlier]:
    logs = {module: math.log(size) for module, size in kind.items()}
    middle = median(logs.values())
    limit = max(LEAST, FAR * median(abs(one - middle) for one in logs.values()))
    usual = median(kind.values())
    return [Outlier(module, kind[module], usual) for module, one in logs.items() if abs(one - middle) > limit]

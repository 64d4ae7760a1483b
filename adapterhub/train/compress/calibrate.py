"""Where eight bits end: the threshold t, beyond which numbers are clipped, chosen from a histogram of magnitudes.

    q(x) = t/127 · clamp(round(127·x/t), −127, 127)        symmetric int8

A low t rounds finely and clips; a high one clips nothing and rounds coarsely.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Final

import torch
from torch import Tensor

from adapterhub.errors import WrongUsage
from adapterhub.train.compress.histogram import BINS, Histogram

__all__ = ["METHODS", "histogram_kl", "histogram_mse", "minmax", "percentile", "threshold"]

LEVELS: Final = 128
"""Magnitudes int8 tells apart, zero among them."""

STRIDE: Final = 8
"""Bins from one threshold that is tried to the next."""


def minmax(histogram: Histogram) -> float:
    """t = max |x|: nothing is clipped, and one outlier makes everything else coarse."""
    return histogram.largest


def percentile(histogram: Histogram, share: float = 0.999) -> float:
    """The smallest t that clips at most 1 − share of the numbers, to the width of a bin.

    Wu et al. 2020, section 3.3, https://arxiv.org/abs/2004.09602 (they find 99.9 % to 99.9999 % good).
    """
    if not 0 < share <= 1:
        raise WrongUsage(f"the share of numbers to keep is above 0 and at most 1, got {share}", hint="try 0.999")
    sums = histogram.counts.cumsum(0)
    place = int(torch.searchsorted(sums, share * sums[-1]))
    return min((place + 1) * histogram.width, histogram.largest)


def histogram_kl(histogram: Histogram) -> float:
    """The t whose clipped distribution P and its rounding Q to 128 levels differ least: min KL(P‖Q) = Σ P·ln(P/Q).

    P are the bins below t, with what is clipped in the last one; Q spreads the mean of each of the 128 groups over the
    bins of the group that are not empty.
    Migacz 2017, "8-bit Inference with TensorRT"; Wu et al. 2020, https://arxiv.org/abs/2004.09602.
    """
    return _best(histogram, _divergence)


def histogram_mse(histogram: Histogram) -> float:
    """The t with the smallest squared error Σ n·(x − q(x))², rounding and clipping together; x are the bins' centres.

    Sung et al. 2015, https://arxiv.org/abs/1511.06488; Wu et al. 2020, https://arxiv.org/abs/2004.09602.
    """
    centres = (torch.arange(BINS, dtype=torch.float64) + 0.5) * histogram.width
    return _best(histogram, partial(_squares, centres=centres, width=histogram.width))


METHODS: dict[str, Callable[[Histogram], float]] = {
    "minmax": minmax,
    "percentile": percentile,
    "histogram-kl": histogram_kl,
    "histogram-mse": histogram_mse,
}
"""The word for a calibration -> the threshold it chooses."""


def threshold(histogram: Histogram, method: str = "minmax") -> float:
    """t by one of `METHODS`; 1 where every number was zero."""
    if method not in METHODS:
        raise WrongUsage(f"no calibration is called {method!r}", hint=f"there are {', '.join(METHODS)}")
    return METHODS[method](histogram) if histogram.total else 1.0


def _best(histogram: Histogram, loss: Callable[[Tensor, int], float]) -> float:
    """The threshold at the end of the bins with the smallest loss; the largest number itself is tried too."""
    last = min(BINS, int(histogram.largest / histogram.width) + 1)
    tried = [*range(min(LEVELS, last), last, STRIDE), last]
    best: int = min(tried, key=lambda count: loss(histogram.counts, count))
    return min(best * histogram.width, histogram.largest)


def _divergence(counts: Tensor, count: int) -> float:
    held = counts[:count]
    wanted = held.clone()
    wanted[-1] += counts[count:].sum()
    groups = torch.arange(count) * LEVELS // count
    sums = torch.zeros(LEVELS, dtype=torch.float64).index_add_(0, groups, held)
    full = torch.zeros(LEVELS, dtype=torch.float64).index_add_(0, groups, (held > 0).double())
    got = torch.where(held > 0, (sums / full.clamp(min=1))[groups], 0.0)
    if not got.any():
        return math.inf
    there = wanted > 0
    # The last bin may hold clipped numbers only, and is empty in Q then: nearly nothing, and not nothing, keeps the sum
    # finite and makes it as large as the part that is clipped.
    p, q = (wanted / wanted.sum())[there], (got / got.sum())[there].clamp(min=1e-9)
    return float((p * (p / q).log()).sum())


def _squares(counts: Tensor, count: int, *, centres: Tensor, width: float) -> float:
    step = count * width / (LEVELS - 1)
    rounded = (centres / step).round().clamp_(max=LEVELS - 1) * step
    return float((counts * (centres - rounded) ** 2).sum())

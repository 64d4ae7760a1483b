"""How good probabilities are. `chances`: (n, k), rows sum to 1; `wanted`: (n,) classes.

Of answers that are NaN all of it is NaN, and none of them is a class.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["brier", "chosen", "ece", "nll", "perplexity"]

LEAST = 1e-12
"""A probability of 0 for what was wanted counts as this, so that one answer cannot make a mean infinite."""

Chances = NDArray[np.floating]


def chosen(chances: Chances) -> NDArray[np.integer]:
    """The most probable class of each answer: (n,); −1, which no class is, for one that is NaN.

    >>> chosen(np.array([[0.2, 0.8], [np.nan, np.nan]])).tolist()
    [1, -1]
    """
    return np.where(np.isnan(chances).any(1), -1, chances.argmax(1))


def nll(chances: Chances, wanted: ArrayLike) -> float:
    """The mean of −log p of the wanted class: the cross entropy that is trained on."""
    right = chances[np.arange(len(chances)), np.asarray(wanted)].astype(np.float64)
    return float(-np.mean(np.log(np.maximum(right, LEAST))))


def brier(chances: Chances, wanted: ArrayLike) -> float:
    """The mean over answers of Σₖ (pₖ − [k is wanted])²: 0 is best, 2 worst (Brier 1950)."""
    hit = np.eye(chances.shape[1])[np.asarray(wanted)]
    return float(np.mean(np.sum((chances - hit) ** 2, axis=1)))


def ece(chances: Chances, wanted: ArrayLike, bins: int = 15) -> float:
    """The expected calibration error: how far confidence is from accuracy, over bins of equal width.

        Σ_b n_b/n · |accuracy(b) − confidence(b)|        b = ((b−1)/B, b/B]

    confidence: the largest probability of an answer. Guo et al. 2017, https://arxiv.org/abs/1706.04599
    """
    sure = chances.max(1).astype(np.float64)
    if np.isnan(sure).any():
        return np.nan
    right = chances.argmax(1) == np.asarray(wanted)
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(place, weights=right - sure, minlength=bins)
    return float(np.abs(gap).sum() / len(sure))


def perplexity(loss: float) -> float:
    """exp of the mean loss of a token; infinite where no float holds it.

    >>> perplexity(0.0)
    1.0
    """
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(loss)))

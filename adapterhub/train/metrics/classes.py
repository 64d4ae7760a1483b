"""How often the right class was said. Classes are integers from 0: `said` and `wanted` are (n,) of them.

A class that occurs in neither is left out of the macro means; a share of nothing is 0, as in scikit-learn.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "accuracy",
    "balanced_accuracy",
    "f1",
    "f1_macro",
    "matthews_corrcoef",
    "precision_macro",
    "recall_macro",
]

Counts = NDArray[np.float64]


def confusion(said: ArrayLike, wanted: ArrayLike) -> Counts:
    """How often class i was wanted and class j said: (k, k), for the k classes that occur."""
    _, places = np.unique(np.concatenate([np.asarray(wanted), np.asarray(said)]), return_inverse=True)
    count = int(places.max()) + 1
    row, column = np.split(places, 2)
    return np.bincount(row * count + column, minlength=count * count).reshape(count, count).astype(np.float64)


def accuracy(said: ArrayLike, wanted: ArrayLike) -> float:
    """The share of answers that are right.

    >>> accuracy([0, 1, 1, 1], [0, 1, 0, 1])
    0.75
    """
    return float(np.mean(np.asarray(said) == np.asarray(wanted)))


def balanced_accuracy(said: ArrayLike, wanted: ArrayLike) -> float:
    """The mean over the wanted classes of the share of their examples that are right."""
    counts = confusion(said, wanted)
    asked = counts.sum(1) > 0
    return float(np.mean(np.diag(counts)[asked] / counts.sum(1)[asked]))


def precision_macro(said: ArrayLike, wanted: ArrayLike) -> float:
    """The mean over classes of tp/(tp+fp)."""
    counts = confusion(said, wanted)
    return float(np.mean(_share(np.diag(counts), counts.sum(0))))


def recall_macro(said: ArrayLike, wanted: ArrayLike) -> float:
    """The mean over classes of tp/(tp+fn)."""
    counts = confusion(said, wanted)
    return float(np.mean(_share(np.diag(counts), counts.sum(1))))


def f1_macro(said: ArrayLike, wanted: ArrayLike) -> float:
    """The mean over classes of 2·tp/(2·tp+fp+fn)."""
    counts = confusion(said, wanted)
    return float(np.mean(_share(2 * np.diag(counts), counts.sum(0) + counts.sum(1))))


def f1(said: ArrayLike, wanted: ArrayLike) -> float:
    """2·tp/(2·tp+fp+fn) of class 1, where there are two.

    >>> f1([1, 1, 0], [1, 0, 0])
    0.6666666666666666
    """
    yes, true = np.asarray(said) == 1, np.asarray(wanted) == 1
    return float(_share(2 * np.sum(yes & true), np.sum(yes) + np.sum(true)))


def matthews_corrcoef(said: ArrayLike, wanted: ArrayLike) -> float:
    """The correlation of what was said and wanted, for any number of classes (Gorodkin 2004); 0 where one is constant.

        (c·s − Σ pₖtₖ) / √((s² − Σ pₖ²)(s² − Σ tₖ²))

    c: right answers    s: answers    pₖ, tₖ: how often class k was said and wanted
    """
    counts = confusion(said, wanted)
    total, p, t = counts.sum(), counts.sum(0), counts.sum(1)
    spread = (total**2 - p @ p) * (total**2 - t @ t)
    return float((np.trace(counts) * total - p @ t) / np.sqrt(spread)) if spread > 0 else 0.0


def _share(part: Any, whole: Any) -> Any:
    """part/whole, and 0 where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

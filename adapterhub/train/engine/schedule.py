"""How the learning rate runs: a factor for every step, at most 1.

warm-up    step/w                         for the first w steps
cosine     (1 + cos(π·t)) / 2             t the share of the steps after the warm-up that is done
linear     1 - t
constant   1
plateau    1, times `plateau_factor` after every `plateau_patience` validations without a better one
"""

from collections.abc import Callable
from math import ceil, cos, pi

from adapterhub.train.config import OptimConfig

__all__ = ["SCHEDULES", "factor", "warmup_steps"]

SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda done: (1 + cos(pi * done)) / 2,
    "linear": lambda done: 1 - done,
    "constant": lambda done: 1.0,
    "plateau": lambda done: 1.0,
}


def warmup_steps(asked: OptimConfig, steps: int) -> int:
    """How many steps the rate takes to reach its height; a share of the steps is rounded up.

    >>> warmup_steps(OptimConfig(warmup=0.1), 45), warmup_steps(OptimConfig(warmup=7), 45)
    (5, 7)
    """
    return ceil(asked.warmup * steps) if asked.warmup < 1 else round(asked.warmup)


def factor(asked: OptimConfig, step: int, steps: int) -> float:
    """The factor of a step (from 0); no step stands still, the first has 1/w and the last a little more than nothing.

    >>> [round(factor(OptimConfig(schedule="linear", warmup=2), step, 6), 2) for step in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    warm = warmup_steps(asked, steps)
    if step < warm:
        return (step + 1) / warm
    return SCHEDULES[asked.schedule]((step - warm) / max(1, steps - warm))

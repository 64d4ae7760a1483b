"""How far a run is, and what its validations said: the best so far, when to slow down, when to stop."""

from collections.abc import Mapping
from typing import Any

from adapterhub.document import Document
from adapterhub.errors import WrongUsage
from adapterhub.train.config import OptimConfig, ValidationConfig
from adapterhub.train.metrics.direction import Compared
from adapterhub.train.metrics.finite import finite

__all__ = ["Progress", "judged"]


class Progress(Document):
    """The plain part of a run's state. `rate` is what a plateau has left of the learning rate."""

    step: int = 0
    seconds: float = 0.0
    rate: float = 1.0
    best_step: int | None = None
    best: dict[str, float] = {}
    last: dict[str, float] = {}
    since_best: int = 0
    since_change: int = 0
    stopped: bool = False
    micro: int = 0
    """Examples at once; what the run has come down to."""
    gap: float | None = None
    """What averaging the factors of workers lost where they met, relative; the largest of all meetings."""


def judged(
    before: Progress, metrics: Mapping[str, float], compared: Compared, *, asked: ValidationConfig, optim: OptimConfig
) -> Progress:
    """The progress after a validation; `best_step` is this step where it is the best so far.

    A metric that is no finite number is left out, and as the compared one is never the best.

    >>> asked = {"asked": ValidationConfig(), "optim": OptimConfig()}
    >>> judged(Progress(step=5), {"accuracy": 0.5}, Compared.of("accuracy"), **asked).best_step
    5
    """
    metric = compared.metric
    if metric not in metrics:
        asker, way = ("validation.metric", "leave it out") if asked.metric else ("the task's metric", "measure it")
        raise WrongUsage(
            f"{asker}: {metric} is not measured here; there are {', '.join(sorted(metrics)) or 'none'}",
            hint=f"name one of them, or {way}",
        )
    value, known = metrics[metric], finite(metrics)
    best = metric in known and (not before.best or compared.better(value, before.best[metric]))
    since_best = 0 if best else before.since_best + 1
    since_change = 0 if best else before.since_change + 1
    slower = optim.schedule == "plateau" and since_change >= optim.plateau_patience
    found: dict[str, Any] = {
        "last": known,
        "since_best": since_best,
        "since_change": 0 if slower else since_change,
        "rate": before.rate * (optim.plateau_factor if slower else 1.0),
        "stopped": asked.patience is not None and since_best >= asked.patience,
    }
    if best:
        found |= {"best": known, "best_step": before.step}
    return before.model_copy(update=found)

"""What other programs are told: each event as names and numbers, each config as names and words."""

from collections.abc import Mapping
from typing import Any

from adapterhub.train.watch.record import Ended, Event, Stepped, Validated

__all__ = ["flat", "scalars"]


def scalars(event: Event) -> dict[str, float]:
    """The numbers of an event under the names they have in every program; what was no number is left out.

    >>> from adapterhub.train.watch.record import Validated
    >>> scalars(Validated(step=3, metrics={"accuracy": 0.5, "f1": None}))
    {'validation/accuracy': 0.5}
    """
    found: dict[str, float | None] = {}
    if isinstance(event, Stepped):
        speed = event.examples / event.seconds if event.seconds else None
        found = {"loss": event.loss, "lr": event.lr, "grad_norm": event.grad_norm, "epoch": event.epoch}
        found = {f"train/{name}": value for name, value in {**found, "examples_per_second": speed}.items()}
    elif isinstance(event, Validated):
        found = {f"validation/{name}": value for name, value in event.metrics.items()}
    elif isinstance(event, Ended):
        found = {f"kept/{name}": value for name, value in {**event.metrics, "step": event.best_step}.items()}
        found |= {"run/seconds": event.seconds, "run/peak_memory": event.peak_memory}
    return {name: float(value) for name, value in found.items() if value is not None}


def flat(config: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A config without its levels; what says nothing is left out.

    >>> flat({"seed": 0, "optim": {"lr": 0.1, "clip": None}})
    {'seed': 0, 'optim.lr': 0.1}
    """
    rows: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            rows |= flat(value, f"{before}{name}.")
        elif value is not None:
            rows[f"{before}{name}"] = list(value) if isinstance(value, (list, tuple)) else value
    return rows

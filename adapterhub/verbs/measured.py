"""What an adapter is worth, measured as anybody will use it: its files on the pristine base, by our own stack."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.verbs.desk import Desk

if TYPE_CHECKING:
    import torch

    from adapterhub.train.config import RobustConfig
    from adapterhub.train.measure import Measured
    from adapterhub.train.task import Task

__all__ = ["measured"]


def measured(
    desk: Desk,
    task: "Task",
    base: Path,
    expression: str | None,
    *,
    examples: Sequence[Any],
    device: "torch.device",
    robust: "RobustConfig | None" = None,
    choose: str | None = None,
) -> "Measured":
    """The metrics of the adapters of an expression on the base in a folder; without one, of the base as it is.

    The peak of memory begins anew. With an attack those under it stand beside, as `robust_accuracy`; the seconds are
    those of the plain ones. A head the base does not have comes from the adapters, where several have one from
    `choose`; where none has, it is drawn, always the same.
    `DoesNotFit` for a base alone that would have to draw one: what that says is nothing to measure.
    """
    from adapterhub.train.compress.load import opened
    from adapterhub.train.measure import measure
    from adapterhub.train.resources.memory import fresh_peak
    from adapterhub.train.resources.micro import within_memory
    from adapterhub.train.resources.precision import deterministic
    from adapterhub.train.tasks.opening import undrawn
    from adapterhub.verbs.live import stack

    fresh_peak(device)
    with deterministic(device=device):
        with within_memory(f"the base does not fit on {device}", hint="a device with more memory, or a smaller base"):
            model = opened(task, base).to(device)
        if expression is None:
            undrawn(model, base)
        with stack(desk, model, expression, choose=choose) if expression else nullcontext():
            found = measure(task, model, examples, device)
            if robust is None:
                return found
            from adapterhub.train.robust.task import UnderAttack

            hurt = measure(UnderAttack(task, robust, getattr(task, "limits", None)), model, examples, device)
            return replace(found, metrics={**found.metrics, **hurt.metrics})

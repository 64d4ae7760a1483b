"""What the loop is given: any module, any loss, anything that can be counted and put together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import torch

from adapterhub.train.config import OptimConfig, ValidationConfig
from adapterhub.train.engine.batches import Batches
from adapterhub.train.metrics.direction import Compared

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapterhub.train.engine.part import Part

__all__ = ["Job", "Loss", "Validate"]

Loss = Callable[["nn.Module", Any], "tuple[Tensor, Tensor]"]
"""(model, batch) -> the summed loss, and over how many things it is a sum."""

Validate = Callable[[], Mapping[str, float]]
"""Metrics of the model as it is now; every process calls it, and gets the same."""


@final
@dataclass(frozen=True)
class Job:
    """A training, ready to run: parameters of `model` that require a gradient are trained, all on one device.

    `rates` are learning rates of parameters as multiples of the common one; `place` names an example in an error.
    `metric` is what validations compare, unless `validation` says another; whether less of it is better, its name tells
    where `less_is_better` does not. `sync` lets the processes train apart and average every so many steps.
    """

    model: "nn.Module"
    loss: Loss
    examples: Sequence[Any]
    collate: Callable[[Sequence[Any]], Any]
    seed: int = 0
    optim: OptimConfig = field(default_factory=OptimConfig)
    rates: Mapping[str, float] = field(default_factory=dict)
    parts: "Sequence[Part]" = ()
    validate: Validate | None = None
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    metric: str = "loss"
    less_is_better: bool | None = None
    place: Callable[[int], str] = str
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    sync: int | None = None
    factors: "Callable[[], Iterable[tuple[Tensor, Tensor]]] | None" = None
    """The pairs (A, B) of what is trained, to tell what averaging them loses."""
    moments: "Mapping[str, Tensor]" = field(default_factory=dict)
    """What the optimiser begins with, as `optimizer.state` names it; nothing for a fresh one."""

    @property
    def compared(self) -> Compared:
        """What validations compare."""
        asked = self.validation.metric or self.metric
        return Compared.of(asked, self.less_is_better if asked == self.metric else None)

    @property
    def batches(self) -> Batches:
        return Batches(len(self.examples), self.optim.batch, self.seed)

    @property
    def steps(self) -> int:
        """How many steps the run has, if nothing stops it."""
        return self.batches.length(self.optim)

    @property
    def trained(self) -> "dict[str, nn.Parameter]":
        """What is trained, by name, in the model's order."""
        return {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}

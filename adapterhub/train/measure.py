"""What a model is worth on rows: its answers, batch by batch in one fixed way, and the metrics of the task.

Batches have a fixed size and go by length, so that the same model on the same rows gives the same bits, whoever asks.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import torch

from adapterhub.errors import WrongUsage
from adapterhub.train.engine.world import ALONE, World
from adapterhub.train.resources.device import move
from adapterhub.train.resources.micro import within_memory

if TYPE_CHECKING:
    from torch import nn

    from adapterhub.train.task import Task

__all__ = ["AT_ONCE", "Measured", "answers", "by_row", "measure"]

AT_ONCE = 32
"""Examples that are computed at once."""

LESS = "a smaller data.max_length, or a device with more memory: the micro-batch of a training changes nothing here"


@final
@dataclass(frozen=True)
class Measured:
    """Metrics under their standard names, over how many examples, and the seconds all of them took."""

    metrics: dict[str, float]
    count: int
    seconds: float
    answers: Sequence[Any] = field(default=(), repr=False)
    """What the model said of each example, in their order."""


def measure(
    task: "Task", model: "nn.Module", examples: Sequence[Any], device: torch.device, world: World = ALONE
) -> Measured:
    """The metrics of a model; several processes share the work, and each gets the whole result.

    The model must be in evaluation mode and on the device.
    """
    began = time.monotonic()
    told = answers(task, model, examples, device, world)
    return Measured(task.measure(told, examples), len(examples), time.monotonic() - began, told)


def by_row(task: "Task", metric: str, answers: Sequence[Any], examples: Sequence[Any]) -> list[float]:
    """The metric of each example as if there were no other; NaN where one alone has none.

    Their mean is the metric wherever that is a mean over examples, as accuracy is. It is another number where it is
    not: F1 over all entities, a loss over all tokens.
    """
    pairs = zip(answers, examples, strict=True)
    return [task.measure([said], [one]).get(metric, math.nan) for said, one in pairs]


def answers(
    task: "Task", model: "nn.Module", examples: Sequence[Any], device: torch.device, world: World = ALONE
) -> list[Any]:
    """What the model says of each example, in their order."""

    def share() -> dict[int, Any]:
        return {
            index: answer
            for number, batch in enumerate(_batches(task, examples))
            if number % world.size == world.rank
            for index, answer in zip(batch, _say(task, model, [examples[i] for i in batch], device), strict=True)
        }

    everybody = {index: answer for one in world.collect(world.each(share)) for index, answer in one.items()}
    return [everybody[index] for index in range(len(examples))]


@torch.no_grad()
def _say(task: "Task", model: "nn.Module", examples: Sequence[Any], device: torch.device) -> Sequence[Any]:
    with within_memory(f"{len(examples)} rows do not fit, which are measured at once", hint=LESS):
        told = task.answers(model, move(task.collate(examples), device))
    if len(told) != len(examples):
        raise WrongUsage(
            f"the task's answers are {len(told)} for a batch of {len(examples)} examples",
            hint="answers gives one for each example of the batch, in their order",
        )
    return told


def _batches(task: "Task", examples: Sequence[Any]) -> Iterator[Sequence[int]]:
    """Alike in length, so that little is padded; the longest first, so that too little memory shows at once."""
    order = sorted(range(len(examples)), key=lambda index: -task.length(examples[index]))
    for start in range(0, len(order), AT_ONCE):
        yield order[start : start + AT_ONCE]

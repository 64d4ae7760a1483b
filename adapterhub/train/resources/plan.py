"""What a training would take, before it begins: steps, memory by what it is for, time, the size of the file."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import final

import torch
from torch import nn

from adapterhub.base.fold import briefed
from adapterhub.document import Document
from adapterhub.finding import Finding
from adapterhub.train.resources.count import count
from adapterhub.train.resources.device import describe
from adapterhub.train.resources.memory import process_peak
from adapterhub.train.resources.micro import Micro
from adapterhub.train.resources.tracker import held

__all__ = ["Length", "MemoryPlan", "TrainPlan", "adamw_bytes", "estimate", "targets_of", "timed"]

WARM = 3
"""Passes that are timed after a first one that is not."""


class MemoryPlan(Document):
    """Bytes. activations: of one micro-batch of the longest examples. peak: of the process, or the device it has.

    budget: what activations may take, besides all else; 0 where the micro-batch was asked for and not measured.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    peak: int
    budget: int = 0


class TrainPlan(Document):
    """What a training would take. `targets`: folded module paths, each with how many modules it stands for."""

    examples: int
    steps: int
    epochs: float
    batch: int
    micro_batch: int
    processes: int
    trainable_parameters: int
    total_parameters: int
    trainable_share: float
    memory: MemoryPlan
    seconds: float
    file_bytes: int
    targets: dict[str, int]
    device: str
    precision: str
    findings: tuple[Finding, ...] = ()
    """What is odd about the rows, the settings and what was measured."""


@final
@dataclass(frozen=True)
class Length:
    """How much is trained: examples there are, steps of so many examples, in so many processes."""

    examples: int
    steps: int
    batch: int
    processes: int = 1


def estimate(
    model: nn.Module,
    length: Length,
    micro: Micro,
    run: Callable[[int], object],
    *,
    device: torch.device,
    file_bytes: int,
    precision: str = "fp32",
) -> TrainPlan:
    """The plan of a training with AdamW, from a few passes that are timed.

    run: a forward and backward pass over so many usual examples, as the training does it. micro: what was found; it is
    run, so that the peak of the process is that of the training but for the optimiser's state. file_bytes: what will be
    written.
    """
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    passes = length.steps * math.ceil(length.batch / length.processes / micro.size)
    seconds = passes * timed(lambda: run(micro.size), device)
    state = adamw_bytes(trained)
    trainable, total = count(model)
    return TrainPlan(
        examples=length.examples,
        steps=length.steps,
        epochs=length.steps / math.ceil(length.examples / length.batch),
        batch=length.batch,
        micro_batch=micro.size,
        processes=length.processes,
        trainable_parameters=trainable,
        total_parameters=total,
        trainable_share=trainable / total,
        memory=MemoryPlan(
            weights=held([*model.parameters(), *model.buffers()]),
            gradients=held(trained),
            optimizer=state,
            activations=micro.peaks.get(micro.size) or 0,
            peak=process_peak(device) + state,
            budget=micro.budget,
        ),
        seconds=seconds,
        file_bytes=file_bytes,
        targets=targets_of(model),
        device=describe(device),
        precision=precision,
    )


def adamw_bytes(weights: Iterable[torch.Tensor]) -> int:
    """What AdamW keeps of weights: two moments as large as they are, and the number of a step in fp32."""
    return sum(2 * weight.numel() * weight.element_size() + 4 for weight in weights)


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Seconds of a warm run: the median of three, after one that is not counted."""
    taken = []
    for _ in range(WARM + 1):
        begun = time.perf_counter()
        run()
        if device.type != "cpu":
            torch.get_device_module(device).synchronize()
        taken.append(time.perf_counter() - begun)
    return median(taken[1:])


def targets_of(model: nn.Module) -> dict[str, int]:
    """The modules with something to train, folded: of one that was wrapped the wrapper, as the base calls it."""
    found = dict.fromkeys(
        _target(model, name).removeprefix("base_model.model.")
        for name, weight in model.named_parameters()
        if weight.requires_grad
    )
    return briefed(found)


def _target(model: nn.Module, parameter: str) -> str:
    """The outermost module on the way to a parameter that wraps another; where none does, the one that has it."""
    words = parameter.split(".")[:-1]
    for depth in range(1, len(words)):
        path = ".".join(words[:depth])
        children = dict(model.get_submodule(path).named_children())
        if "base_layer" in children or "original_module" in children:
            return path
    return ".".join(words) or parameter

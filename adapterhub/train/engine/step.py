"""One step: the gradient of the mean loss over a batch, however the batch is split.

    g = (Σ over processes and micro-batches of ∂ sum/∂θ) / (Σ of counts)

Sums are added first and divided once by the global count. The mean of the means of pieces would be another number
wherever the pieces differ in size, or in how many of their tokens count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any, final

import torch
from torch import Tensor, nn

from adapterhub.errors import WrongUsage
from adapterhub.train.engine.batches import parts, share
from adapterhub.train.engine.dice import throw
from adapterhub.train.engine.job import Job
from adapterhub.train.engine.world import ALONE, World
from adapterhub.train.resources.device import move
from adapterhub.train.resources.micro import OutOfMemory, halved, is_out_of_memory
from adapterhub.train.resources.precision import Diverged, Precision

__all__ = ["Gradient", "Stepper"]

SMALLER = "a smaller data.max_length, optim.activation_checkpointing: true, or a smaller adapter.rank take less"

TOLD = 8
"""How many examples of a bad batch an error names."""


@final
@dataclass(frozen=True)
class Gradient:
    """What a step found: the mean loss, the norm of the gradient before clipping, over how many things."""

    loss: float
    norm: float
    count: float


@final
@dataclass
class Stepper:
    """Computes the gradients of a job, step by step, and lets the optimiser go along them."""

    job: Job
    optimizer: torch.optim.Optimizer
    precision: Precision
    world: World = ALONE
    micro: int = 1

    def __post_init__(self) -> None:
        self.trained = list(self.job.trained.values())
        self.short = ""

    def __call__(self, step: int) -> Gradient:
        """Leave the gradient of step `step` (from 0) in the parameters, clipped."""
        summed, count = self._gather(step)
        if not isfinite(summed):
            raise self._diverged(step, f"loss of step {step + 1} is {summed}")
        if not isfinite(count) or count < 0 or (count == 0 and summed != 0):
            raise self._miscounted(step, summed, count)
        self._divide(count)
        self._penalize()
        norm = float(nn.utils.clip_grad_norm_(self.trained, self.job.optim.clip or float("inf")))
        if not isfinite(norm) and self.precision.word != "fp16":  # there it is no news: see `advance`
            raise self._diverged(step, f"gradient of step {step + 1} has the norm {norm}")
        return Gradient(summed / (count or 1.0), norm, count)

    def advance(self) -> bool:
        """One step of the optimiser. False: the scaled gradient overflowed in fp16, and the next scale is half."""
        return self.precision.step(self.optimizer)

    def clear(self) -> None:
        """Forget the gradients."""
        for weight in self.trained:
            weight.grad = None

    def probe(self, examples: Sequence[Any]) -> None:
        """A forward and a backward pass over these examples; nothing is kept of it."""
        try:
            total, _ = self._loss(examples)
            torch.autograd.backward(total)
        finally:
            self.clear()

    def _gather(self, step: int) -> tuple[float, float]:
        """The summed loss and its count, and everybody's gradients summed.

        Where memory did not do for somebody, all begin again with half as much.
        """
        while True:
            self.clear()
            total = self._attempt(step)
            if not self.job.sync:
                self.world.sum(total)
            summed, count, short = total.tolist()
            if not short:
                break
            if min(self.micro, self._most(step)) == 1:
                told = f"memory: one example is too much in step {step + 1}{self.short}"
                raise self.world.alike(OutOfMemory(told, hint=SMALLER))
            self.micro = halved(min(self.micro, self._most(step)))
        if not self.job.sync:
            self._fill()
            self.world.sum_all([weight.grad for weight in self.trained if weight.grad is not None])
        return summed, count

    def _attempt(self, step: int) -> Tensor:
        """The sum of the loss, its count, and whether memory was short."""
        total = torch.zeros(3, dtype=torch.float64, device=_wide(self.job.device))
        try:
            return self._backward(step, total)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.short = f": {error}"
        # Told to all after the handler, which holds the frames that hold the memory.
        total[:2], total[2] = 0, 1
        return total

    def _backward(self, step: int, total: Tensor) -> Tensor:
        job = self.job
        for number, piece in enumerate(parts(self._mine(step), self.micro)):
            throw(job.seed, "step", step, self.world.rank, number)
            value, count = self._loss([job.examples[index] for index in piece])
            torch.autograd.backward(self.precision.scale(value))
            total[0] += value.detach().to(total)
            total[1] += torch.as_tensor(count).to(total)
        return total

    def _mine(self, step: int) -> Sequence[int]:
        return share(self.job.batches.at(step), self.world.rank, self.world.size)

    def _most(self, step: int) -> int:
        """How many examples of a step a process has at most; the same number in all of them."""
        return ceil(len(self.job.batches.at(step)) / self.world.size)

    def _loss(self, examples: Sequence[Any]) -> tuple[Tensor, Tensor]:
        batch = move(self.job.collate(examples), self.job.device)
        with self.precision.autocast():
            return self.job.loss(self.job.model, batch)

    def _fill(self) -> None:
        """A parameter nobody used has gradient zero, in every process."""
        for weight in self.trained:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)

    def _diverged(self, step: int, what: str) -> Diverged:
        self.clear()
        batch, bad = self.job.batches.at(step), self._blamed(step)
        places = bad or batch
        named = "; ".join(map(self.job.place, places[:TOLD])) + (" …" if len(places) > TOLD else "")
        told = Diverged(
            f"the {what}, {'by' if bad else 'in the batch with'} {named}",
            hint="a lower optim.lr, a longer warmup or precision fp32 often help; if one row is to blame, correct it",
        )
        return told if self.job.sync else self.world.alike(told)

    def _miscounted(self, step: int, summed: float, count: float) -> WrongUsage:
        self.clear()
        told = WrongUsage(
            f"the loss of step {step + 1} is a sum of {summed:g} over {count:g} things",
            hint="a task's loss gives the sum and over how many things it is one: a finite number above 0",
        )
        return told if self.job.sync else self.world.alike(told)

    def _blamed(self, step: int) -> list[int]:
        """The examples of a step whose loss alone is no number, in all processes; none where that is all of them.

        Then it is the weights, and no row is to blame.
        """
        self.job.model.eval()
        mine = list(self._mine(step))
        bad = [i for i in mine if not bool(self._loss([self.job.examples[i]])[0].isfinite())]
        if not self.job.sync:
            mine, bad = ([index for one in self.world.collect(some) for index in one] for some in (mine, bad))
        return bad if len(bad) < len(mine) else []

    def _divide(self, count: float) -> None:
        self._fill()
        self.precision.unscale(self.optimizer)
        for weight in self.trained:
            assert weight.grad is not None
            weight.grad.div_(count or 1.0)

    def _penalize(self) -> None:
        found = [one for part in self.job.parts if (one := part.penalty(self.job.model)) is not None]
        if found:
            torch.autograd.backward(torch.stack(found).sum())


def _wide(device: torch.device) -> torch.device:
    """Where sums of fp64 can be kept: mps has none."""
    return torch.device("cpu") if device.type == "mps" else device

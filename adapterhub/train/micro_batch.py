"""How many examples a process computes at once: as many as its memory holds, measured on the longest."""

import os
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from adapterhub.train.engine import optimizer
from adapterhub.train.engine.step import Stepper
from adapterhub.train.engine.world import World
from adapterhub.train.resources.memory import fresh_peak, spare_memory, used_memory
from adapterhub.train.resources.micro import Micro, OutOfMemory, find_micro
from adapterhub.train.resources.plan import Length, TrainPlan, adamw_bytes, estimate
from adapterhub.train.resources.precision import Precision
from adapterhub.train.resources.tracker import peak_of

if TYPE_CHECKING:
    from adapterhub.train.prepare import Prepared

__all__ = ["micro_batch", "plan"]


def micro_batch(ready: "Prepared", world: World, limit: str | None) -> Micro:
    """What fits beside the weights, gradients and moments; `limit` is the most memory a process may use."""
    job, stepper = ready.job, _stepper(ready, world)
    longest = sorted(range(len(job.examples)), key=lambda index: -ready.lengths[index])
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    moments = adamw_bytes(job.trained.values())
    budget = spare_memory(job.device, limit, processes=processes) - moments
    if budget <= 0:
        raise OutOfMemory(
            f"memory: the process has {used_memory(job.device) / 1e6:,.0f} MB before the first example, its optimiser "
            f"takes {moments / 1e6:,.0f} MB, and {limit or 'what is free'} does not hold that",
            hint="more --memory; or a smaller adapter.rank, or adapter.quantize: int8",
        )

    def probe(count: int) -> int:
        examples = [job.examples[index] for index in longest[:count]]
        return peak_of(lambda: stepper.probe(examples), job.model, job.device)

    job.model.train()
    share = min(ceil(job.optim.batch / world.size), len(job.examples))
    return find_micro(probe, share, budget)


def plan(ready: "Prepared", world: World, limit: str | None) -> TrainPlan:
    """What a job would take in this process: a few passes are run, nothing is trained.

    Each process calls it, so that what they take of the machine together shows; the tightest decides for all.
    """
    job, stepper = ready.job, _stepper(ready, world)
    fresh_peak(job.device)
    asked = job.optim.micro_batch
    find = lambda: micro_batch(ready, world, limit)  # noqa: E731
    known = Micro(asked, job.optim.batch, 0, 0, 0, {}) if asked else world.each(find)
    found = min(world.collect(known), key=lambda micro: micro.size)
    usual = job.batches.at(0)
    job.model.train()
    take = partial(
        estimate,
        job.model,
        Length(len(job.examples), job.steps, job.optim.batch, world.size),
        found,
        lambda count: stepper.probe([job.examples[index] for index in usual[:count]]),
        device=job.device,
        file_bytes=ready.attached.file_bytes(),
        precision=job.optim.precision,
    )
    return world.each(take)


def _stepper(ready: "Prepared", world: World) -> Stepper:
    job = ready.job
    return Stepper(job, optimizer.build(job), Precision(job.optim.precision, job.device), world)

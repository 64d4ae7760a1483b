"""Workers that trained apart meet: weights and moments become the means of everybody's.

The mean of products is the product of means only where one factor is the same for all, as a frozen A is:

    mean(Bᵢ)·A = mean(Bᵢ·A)          (FFA-LoRA, arXiv:2403.12313)

Where A is trained too, the two differ, and by how much is told.
"""

from functools import partial
from math import isfinite

from torch import Tensor

from adapterhub.train.engine import optimizer as moments
from adapterhub.train.engine.job import Job
from adapterhub.train.engine.part import Part
from adapterhub.train.engine.state import State
from adapterhub.train.engine.world import World
from adapterhub.train.resources.precision import Precision

__all__ = ["average"]


def average(state: State, world: World) -> float | None:
    """Average everything that is trained over the processes, in place; returns the relative gap of the products.

    The moments are averaged too, and what parts remember and fp16's scale are the first's, so that all processes go on
    from one common state. None: there are no factors, or no gap that is a number.
    """
    if world.size == 1:
        return 0.0
    trained = state.job.trained
    gap = _gap(state.job, world)
    held = [
        *(weight.data for weight in trained.values()),
        *(value for name, value in moments.state(state.optimizer, trained) if not name.startswith("step/")),
    ]
    world.sum_all(held)
    for tensor in held:
        tensor.div_(world.size)
    minds: list[Part | Precision] = [*state.job.parts, state.precision]
    for one in minds:
        one.restore(world.of_first(partial(_plain, one)))
    return gap


def _plain(one: Part | Precision) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu() for name, tensor in one.state().items()}


def _gap(job: Job, world: World) -> float | None:
    """‖mean(B)·mean(A) - mean(B·A)‖ / ‖mean(B·A)‖ over all modules that have two factors."""
    if job.factors is None:
        return None
    from adapterhub.train.gap import gap

    mine = [(A.detach().cpu(), B.detach().cpu()) for A, B in job.factors()]
    everybody: list[list[tuple[Tensor, Tensor]]] = world.collect(mine)
    found = gap(everybody)
    return found if isfinite(found) else None

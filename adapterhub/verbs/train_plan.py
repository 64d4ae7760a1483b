"""`train --plan`: what a training would take, measured on a few passes; nothing is trained, nothing is written."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from adapterhub.train.config import TrainConfig
from adapterhub.verbs.add import Request
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.taken import insist_on_free
from adapterhub.verbs.train_run import Training, TrainRun
from adapterhub.verbs.trained import training_of

if TYPE_CHECKING:
    from adapterhub.train.resources.plan import TrainPlan

__all__ = ["train_plan"]


def train_plan(desk: Desk, config: TrainConfig, how: Training) -> "TrainPlan | None":
    """The plan of a run; every mistake the run would find before its first step is found here too.

    Of several processes the first answers for all, the others None.
    """
    from adapterhub.train.engine.world import join
    from adapterhub.train.micro_batch import plan

    world = join()
    with ExitStack() as held:
        run = TrainRun(desk, config, how, world)
        target = desk.target(config.name)
        run.open(held, alone=False)
        made = world.each(lambda: Request(parents=run.parents, training=training_of(run.ready, {})))
        world.of_first(lambda: insist_on_free(desk, target, made))
        odd = (*run.findings, *run.ready.findings, *run.rehearse())
        found = plan(run.ready, world, config.memory)
    return found.model_copy(update={"findings": odd}) if world.first else None

"""`train --search`: a ladder of learning rates and ranks, each run on validation rows; nothing is published.

Every rung is a run with a folder of its own: a search that was killed goes on where it was, and a rung that ended is
not run again. The test rows are never looked at.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from adapterhub.durable import make_folder
from adapterhub.errors import WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.metrics.direction import Compared
from adapterhub.train.watch.ladder import Rung, SearchReport, draw
from adapterhub.verbs.add import Request
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.taken import insist_on_free
from adapterhub.verbs.train_run import Training, TrainRun

if TYPE_CHECKING:
    from adapterhub.train.engine.world import World

__all__ = ["Searched", "search"]

PICTURE = "search.png"

RATES = (0.1, 0.32, 1.0, 3.2, 10.0)
"""What the config's rate is multiplied by where no rates are named: half a decade apart, two on either side."""

PATIENCE = 3
"""Validations without a better one after which a rung ends, unless the config says."""


class Searched(SearchReport):
    """A search, and where its picture lies on this machine."""

    picture: str = ""


def search(desk: Desk, config: TrainConfig, how: Training) -> Searched | None:
    """Run the ladder; the report says the best. Under torchrun the processes but the first get None."""
    from adapterhub.train.engine.world import join

    if config.data.validation in (None, 0):
        raise WrongUsage(
            "a search chooses by validation rows, and data.validation is not given",
            hint="data.validation: 0.2 sets a fifth of the training rows aside",
        )
    world = join()
    target, made = desk.target(config.name), Request(training={"config": config.plain()})
    world.of_first(lambda: insist_on_free(desk, target, made))  # what is searched for is made otherwise than any entry
    report = _climb(desk, config, how, world)
    return report if world.first else None


def _climb(desk: Desk, config: TrainConfig, how: Training, world: "World") -> Searched:
    rungs: list[Rung] = []
    compared = Compared.of(config.validation.metric or "")
    for asked in _rungs(config):
        with ExitStack() as held:
            run = TrainRun(desk, asked, how, world)
            run.open(held)
            run.warn()
            told, rung = _rung(run, asked)
            compared = told if told.metric else compared
            rungs.append(rung)
    report = SearchReport.of(compared.metric, rungs, less=compared.less, name=config.name, method=config.adapter.method)
    picture = TrainRun(desk, config, how, world).folder.path / PICTURE
    if world.first:
        make_folder(picture.parent)
        draw(report, picture)
    return Searched(**dict(report), picture=str(picture))


def _rungs(config: TrainConfig) -> Iterator[TrainConfig]:
    """The configs of the ladder."""
    optim, adapter = config.optim, config.adapter
    rates = config.search.lr or tuple(float(f"{optim.lr * share:.3g}") for share in RATES)
    ranks = (adapter.rank,) if adapter.method == "full" else config.search.rank or (adapter.rank,)
    stop = config.validation.model_copy(update={"patience": config.validation.patience or PATIENCE})
    scale = None if adapter.alpha is None else adapter.alpha / adapter.rank
    for rank in ranks:
        alpha = None if scale is None else scale * rank  # the scale stays, or the rate would mean something else
        for rate in rates:
            yield config.model_copy(
                update={
                    "optim": optim.model_copy(update={"lr": rate}),
                    "adapter": adapter.model_copy(update={"rank": rank, "alpha": alpha}),
                    "validation": stop,
                }
            )


def _rung(run: TrainRun, asked: TrainConfig) -> tuple[Compared, Rung]:
    """One run, or what it came to before; where the loss is no number, or memory does not do, it has no value."""
    from adapterhub.train.resources.count import count
    from adapterhub.train.resources.memory import process_peak
    from adapterhub.train.resources.micro import OutOfMemory
    from adapterhub.train.resources.precision import Diverged

    known = run.world.of_first(lambda: run.known)
    if known.rung and known.metric:
        return Compared.of(known.metric, known.less_is_better), known.rung
    full = asked.adapter.method == "full"
    rank, alpha = (None, None) if full else (asked.adapter.rank, asked.adapter.alpha)
    rung = Rung(lr=asked.optim.lr, rank=rank, alpha=alpha, seed=asked.seed)
    compared, found = Compared.of(asked.validation.metric or ""), dict[str, Any]()
    try:
        job = run.world.each(lambda: run.ready).job
        compared, found["trainable"] = job.compared, count(job.model)[0]
        progress = run.fit()
        value = progress.best.get(compared.metric)
        found |= {"value": value, "best_step": progress.best_step, "seconds": progress.seconds}
    except OutOfMemory as error:  # another time there may be more, so nothing is kept of it
        return compared, rung.model_copy(update={**found, "fault": str(error)})
    except Diverged as error:
        found["fault"] = str(error)
    rung = rung.model_copy(update={**found, "peak_memory": process_peak(job.device)})
    if run.world.first:
        told = {"metric": compared.metric, "less_is_better": compared.less, "rung": rung}
        run.folder.write(run.known.model_copy(update=told))
        run.folder.state.unlink(missing_ok=True)
    return compared, rung

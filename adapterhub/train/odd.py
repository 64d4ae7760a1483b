"""What a run can be asked for and is hardly meant: it goes through, and a word is said."""

from collections.abc import Iterator, Mapping
from math import prod

from adapterhub.finding import Finding
from adapterhub.train.config import TrainConfig
from adapterhub.train.engine.job import Job
from adapterhub.train.engine.schedule import warmup_steps

__all__ = ["guessed", "odd"]


def odd(config: TrainConfig, changed: Mapping[str, tuple[int, ...]], steps: int) -> Iterator[Finding]:
    """Warnings of a warm-up that outlasts the run, and of a rank that no changed weight (out, in, …) can have."""
    optim, adapter = config.optim, config.adapter
    if (warm := warmup_steps(optim, steps)) > steps:
        yield _warning(
            "long-warmup",
            "optim.warmup",
            f"{warm:,} steps, and the run has {steps:,}: its rate ends at {optim.lr * steps / warm:.2g}",
            "below 1 it is a share of the steps",
        )
    ranks = [min(out, prod(rest)) for out, *rest in changed.values()]
    if ranks and adapter.rank > max(ranks) and adapter.method != "vera":  # whose vectors may be of any length
        yield _warning(
            "rank-exceeds-layer",
            "adapter.rank",
            f"{adapter.rank:,}, and no weight that is changed has a rank above {max(ranks):,}",
            f"{max(ranks):,} can do the same, in a smaller file",
        )


def guessed(job: Job) -> Iterator[Finding]:
    """A warning where validations compare by a metric of which nothing says whether less is better."""
    if job.validate and job.compared.guessed:
        yield _warning(
            "unknown-direction",
            job.compared.metric,
            "more of it is taken as better: its name does not say, and the task does not",
            "say `less_is_better` in the task whose `metric` it is",
        )


def _warning(check: str, place: str, message: str, remedy: str) -> Finding:
    return Finding(check=check, severity="warning", place=place, message=message, remedy=remedy)

"""How much of earlier tasks is lost, from the scores on each task after each.

a[t][j]             the score on task j after training on task t, both from 1 to T
average             1/T · Σ_j a[T][j]
forgetting          1/(T-1) · Σ_{j<T} ( max_{t<T} a[t][j] - a[T][j] )      Chaudhry et al. 2018, arXiv:1801.10112
backward transfer   1/(T-1) · Σ_{j<T} ( a[T][j] - a[j][j] )                Lopez-Paz et al. 2017, arXiv:1706.08840
"""

import math
from collections.abc import Sequence

from adapterhub.document import Document
from adapterhub.errors import WrongUsage

__all__ = ["Forgetting", "forgetting"]


class Forgetting(Document):
    """What was measured of a sequence of tasks, the last one included."""

    tasks: tuple[str, ...]
    metric: str
    scores: tuple[tuple[float, ...], ...]
    """A row after each task; a row may end at its own task, or go on to tasks that were not seen yet."""
    average: float
    forgetting: float = 0.0
    """How far the last scores lie below the best of before; negative where a later task helped. 0 for a single task."""
    backward_transfer: float = 0.0
    by_task: dict[str, float] = {}
    """Earlier task -> its own part in the forgetting."""

    def metrics(self) -> dict[str, float]:
        """The figures as metrics of an entry."""
        named = {"average": self.average, "forgetting": self.forgetting, "backward_transfer": self.backward_transfer}
        return {f"continual_{name}": value for name, value in named.items()}


def forgetting(
    tasks: Sequence[str], scores: Sequence[Sequence[float]], metric: str = "accuracy", *, less_is_better: bool = False
) -> Forgetting:
    """The figures of a sequence of tasks. less_is_better: of a loss, what it rose is what was lost.

    >>> forgetting(["a", "b"], [[0.9], [0.6, 0.8]]).forgetting
    0.3
    """
    _insist(tasks, scores)
    sign, last, before = (-1 if less_is_better else 1), scores[-1], scores[:-1]
    lost = {
        name: round(max(sign * row[j] for row in before if j < len(row)) - sign * last[j], 12)
        for j, name in enumerate(tasks[:-1])
    }
    gained = [sign * (last[j] - scores[j][j]) for j in range(len(tasks) - 1)]
    return Forgetting(
        tasks=tuple(tasks),
        metric=metric,
        scores=tuple(tuple(row) for row in scores),
        average=_mean(last[: len(tasks)]),
        forgetting=_mean(list(lost.values())),
        backward_transfer=_mean(gained),
        by_task=lost,
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def _insist(tasks: Sequence[str], scores: Sequence[Sequence[float]]) -> None:
    if not tasks or len(set(tasks)) != len(tasks) or len(scores) != len(tasks):
        raise WrongUsage(
            f"forgetting: wanted a row of scores after each of the tasks {', '.join(tasks) or '(none)'}, each once, "
            f"got {len(scores)} rows",
            hint="measure every task that was seen after each training",
        )
    for number, row in enumerate(scores):
        if not number < len(row) <= len(tasks) or not all(map(math.isfinite, row)):
            raise WrongUsage(
                f"forgetting: after {tasks[number]}: wanted a number for each of {', '.join(tasks[: number + 1])}, "
                f"got {list(row)}",
                hint="measure every task that was seen after each training",
            )

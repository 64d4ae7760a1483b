"""`eval` of several: what each is worth on the same rows, what it cost, and how far it is from the first."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapterhub.document import Document
from adapterhub.errors import NotFound, Refused, WrongUsage
from adapterhub.note import gather
from adapterhub.train.watch.arms import Arm, Arms, draw
from adapterhub.train.watch.bootstrap import Difference, difference
from adapterhub.train.watch.ink import blank
from adapterhub.verbs.case import Case, Evaluation, case
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.evaluate import Evaluated, Judged, judged
from adapterhub.verbs.live import asked

__all__ = ["Contender", "SideBySide", "side_by_side"]


class Contender(Evaluated):
    """One of several, with what its training cost as its notes say; of a sum, that of all its adapters together."""

    trainable_parameters: int | None = None
    training_seconds: float | None = None
    training_memory: int | None = None
    """Bytes at the peak; of a sum, the most of any."""
    file_bytes: int
    difference: Difference | None = None
    """It minus the first, row by row; None for the first, and where a row alone has no such metric.

    Of a metric that is no mean over rows (F1 over all entities, a loss over all tokens) that is the mean of the rows'
    own, and not the difference of the two metrics.
    """


class SideBySide(Document):
    """Several on the same rows, in the order in which they were named. `metric` is the task's, which is compared."""

    task: str
    metric: str
    rows: int
    data: str
    """The digest of the rows."""
    entries: tuple[Contender, ...]
    picture: str = ""
    """Where it was drawn, if it was."""

    @property
    def arms(self) -> Arms:
        """The same as a report that can be printed and drawn."""
        named = {one.reference: one.difference for one in self.entries}
        return Arms(
            task=self.task,
            metric=self.metric,
            arms=tuple(_arm(one, self.metric) for one in self.entries),
            differences={name: found for name, found in named.items() if found},
        )


def side_by_side(desk: Desk, words: Sequence[str], how: Evaluation, picture: Path | None = None) -> SideBySide:
    """Measure each as `evaluate` does, notes included; all that shows without a model is told before the first.

    A base that is asked for is that of the adapters, and the one whose head is chosen that of the sums.
    """
    if picture is not None:
        _insist_on_place(picture)
    cases = [case(desk, word, _of(desk, word, how)) for word in words]
    _insist_on_one_metric(cases)
    found = [_judged(desk, one) for one in cases]
    answer = SideBySide(
        task=found[0].answer.task,
        metric=found[0].metric,
        rows=found[0].answer.rows,
        data=found[0].answer.data,
        entries=tuple(_contender(one, told, found[0]) for one, told in zip(cases, found, strict=True)),
        picture=str(picture or ""),
    )
    if picture is not None:
        draw(answer.arms, picture)
    return answer


def _insist_on_place(picture: Path) -> None:
    """What would spoil a picture is told before hours of measuring."""
    if picture.suffix.lower() != ".png":
        raise WrongUsage(f"{picture}: pictures are written as PNG", hint=f"name it {picture.stem}.png")
    if not picture.parent.is_dir():
        raise NotFound(f"{picture}: there is no folder {picture.parent}", hint="make it, or name another place")
    blank(1, 1)


def _of(desk: Desk, word: str, how: Evaluation) -> Evaluation:
    """What is asked of one word: a model stands on nothing else, and a single adapter has its own head."""
    found = asked(desk, word).found
    whole = any(one.entry.manifest.kind == "model" for one in found)
    return replace(how, base=None if whole else how.base, choose=how.choose if len(found) > 1 else None)


def _insist_on_one_metric(cases: Iterable[Case]) -> None:
    first, *others = cases
    for one in others:
        if (one.config.task, one.task.metric) != (first.config.task, first.task.metric):
            raise WrongUsage(
                f"{first.expression} is a {first.config.task} ({first.task.metric}) and {one.expression} a "
                f"{one.config.task} ({one.task.metric}): they cannot stand side by side",
                hint="measure them one by one",
            )


def _judged(desk: Desk, one: Case) -> Judged:
    found = judged(desk, one, by_row=True)
    if found.metric not in found.answer.metrics:
        if odd := [finding for finding in found.answer.findings if finding.place == found.metric]:
            raise Refused(
                f"{one.expression}: they are compared by {found.metric}, which {odd[0].message}", hint=odd[0].remedy
            )
        raise WrongUsage(
            f"{one.config.task} is compared by {found.metric}, and does not measure it; it measures "
            f"{', '.join(found.answer.metrics)}",
            hint="its `metric` is to be one of those that its `measure` gives",
        )
    return found


def _contender(of: Case, told: Judged, first: Judged) -> Contender:
    costs = [gather(one.entry.notes).cost for one in of.wanted.found]
    seconds, memory = _known(costs, "seconds"), _known(costs, "peak_memory")
    trained = _known(costs, "trainable_parameters")
    return Contender(
        **dict(told.answer),
        trainable_parameters=int(sum(trained)) if trained else None,
        training_seconds=sum(seconds) if seconds else None,
        training_memory=int(max(memory)) if memory else None,
        file_bytes=sum(one.entry.manifest.size for one in of.wanted.found),
        difference=None if told is first else _apart(told.rows, first.rows),
    )


def _known(costs: Sequence[dict[str, Any]], name: str) -> list[float]:
    """A cost of each; nothing where it is not known of one, since the rest would be too little."""
    return [cost[name] for cost in costs] if all(name in cost for cost in costs) else []


def _apart(rows: Sequence[float], first: Sequence[float]) -> Difference | None:
    return difference(rows, first) if all(map(math.isfinite, (*rows, *first))) else None


def _arm(one: Contender, metric: str) -> Arm:
    return Arm.of(
        one.reference,
        [one.metrics[metric]],
        trainable=one.trainable_parameters,
        seconds=one.training_seconds,
        peak_memory=one.training_memory,
        file_bytes=one.file_bytes,
        latency=one.latency,
    )

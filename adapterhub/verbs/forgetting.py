"""`eval --ancestors`: an entry and those it was continued from, on the rows of every task; what was forgotten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.errors import NotFound, WrongUsage
from adapterhub.note import gather
from adapterhub.reference import home_path
from adapterhub.train.continual.forgetting import Forgetting, forgetting
from adapterhub.train.metrics.direction import Compared
from adapterhub.train.task import compared
from adapterhub.train.tasks.table import TASKS
from adapterhub.verbs.case import Evaluation, case
from adapterhub.verbs.desk import Desk, PathLike
from adapterhub.verbs.evaluate import Evaluated, evaluate

__all__ = ["Remembered", "remembered"]


class Remembered(Document):
    """What an entry, and those before it, are worth on several sets of rows.

    `forgetting` stands there where there are as many entries as sets of rows: the rows in the order in which the tasks
    were learned.
    """

    entries: tuple[str, ...]
    """The oldest first."""
    data: tuple[str, ...]
    rows: tuple[int, ...]
    task: str
    metric: str
    scores: tuple[tuple[float, ...], ...]
    """A row for each entry, a column for each set of rows."""
    forgetting: Forgetting | None = None


@final
@dataclass(frozen=True)
class _Line:
    """A version of an adapter, as a word, and its digest."""

    word: str
    digest: Digest


def remembered(
    desk: Desk, word: str, data: Sequence[PathLike], how: Evaluation, *, ancestors: bool = False, metric: str = ""
) -> Remembered:
    """Measure an entry on each set of rows, with `ancestors` all it was continued from too; note the figures.

    What was noted before of the same rows and base is not measured again, unless a config is given. metric: the task's
    own, unless it is said.
    """
    if len(set(map(str, data))) < len(data):
        raise WrongUsage("--data: the same rows are named twice", hint="name the rows of each task once")
    line = list(_line(desk, word))[::-1] if ancestors else [_line_of(desk, word)]
    found = [
        [evaluate(desk, one.word, replace(how, data=home_path(rows), reuse=how.config is None)) for rows in data]
        for one in line
    ]
    last = found[-1]
    own = _compared(desk, line[-1], last[0], replace(how, data=home_path(data[0])))
    metric, less, _ = own if metric in ("", own.metric) else Compared.of(metric)
    scores = tuple(tuple(_score(one, metric) for one in row) for row in found)
    names = tuple(map(str, data))
    figures = None
    if ancestors and len(line) == len(data) > 1:
        figures = forgetting(names, scores, metric, less_is_better=less)
        _note(desk, line[-1], figures)
    return Remembered(
        entries=tuple(one.word for one in line),
        data=names,
        rows=tuple(one.rows for one in last),
        task=last[0].task,
        metric=metric,
        scores=scores,
        forgetting=figures,
    )


def _line_of(desk: Desk, word: str) -> _Line:
    listed = desk.store.resolve(desk.reference(word))
    return _Line(str(listed.reference), listed.digest)


def _line(desk: Desk, word: str) -> Iterator[_Line]:
    """The entry, the one it was continued from, and so on; of several parents the first."""
    named = {listed.digest: str(listed.reference) for listed in desk.store.list()}
    one = _line_of(desk, word)
    yield one
    while parents := desk.store.manifest(one.digest).parents:
        digest = Digest.parse(parents[0].digest)
        if digest not in named:
            raise NotFound(
                f"{one.word}: the entry it was continued from, {digest}, is not in this store",
                hint="pull it, or leave --ancestors out",
            )
        one = _Line(named[digest], digest)
        yield one


def _compared(desk: Desk, one: _Line, found: Evaluated, how: Evaluation) -> Compared:
    """What the task compares; one's own is asked, for no note says it."""
    return Compared.of(TASKS[found.task].metric) if found.task in TASKS else compared(case(desk, one.word, how).task)


def _score(found: Evaluated, metric: str) -> float:
    if metric not in found.metrics:
        raise WrongUsage(
            f"{metric} is not measured on {found.reference}; there are {', '.join(sorted(found.metrics))}",
            hint="name one of them",
        )
    return found.metrics[metric]


def _note(desk: Desk, one: _Line, figures: Forgetting) -> None:
    said: dict[str, object] = dict(figures.metrics())
    reference = desk.reference(one.word)
    if not gather(desk.store.under(reference.name).notes.about(one.digest)).says("metrics", said):
        desk.store.note(desk.store.resolve(reference).reference, desk.store.say(one.digest, "metrics", said))

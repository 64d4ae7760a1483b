"""`eval`: what a model, an adapter, or several together, are worth on rows; written as a note on the digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, final

from pydantic import ValidationError

from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.errors import Refused
from adapterhub.finding import Finding
from adapterhub.note import gather
from adapterhub.reference import is_folder
from adapterhub.train.metrics.finite import finite
from adapterhub.verbs.case import Case, Evaluation, case
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.measured import measured
from adapterhub.verbs.subject import Subject
from adapterhub.verbs.train_told import no_numbers

if TYPE_CHECKING:
    from adapterhub.train.data.table import Table
    from adapterhub.train.measure import Measured
    from adapterhub.train.metrics.direction import Compared

__all__ = ["Evaluated", "Judged", "evaluate", "judged"]


class Evaluated(Document):
    """What was measured: metrics under their standard names, on how many rows, at what cost.

    One that is no finite number, as the perplexity of a loss of thousands, is left out and stands in `findings`.
    """

    reference: str
    digest: str = ""
    base: str
    task: str
    metrics: dict[str, float]
    rows: int
    data: str
    """The digest of the rows."""
    seconds: float
    latency: float
    """Milliseconds an example, in batches of 32."""
    peak_memory: int
    """Bytes of the process, or of the accelerator where there is one."""
    device: str
    findings: tuple[Finding, ...] = ()


@final
@dataclass(frozen=True)
class Judged:
    """What was measured, and what it was measured by; `rows` has the task's metric of each row as if it were alone."""

    answer: Evaluated
    compared: "Compared"
    rows: tuple[float, ...] = ()

    @property
    def metric(self) -> str:
        """The task's."""
        return self.compared.metric


def evaluate(desk: Desk, expression: str, how: Evaluation) -> Evaluated:
    """Measure, and write a note where the expression is one entry of this store."""
    found = case(desk, expression, how)
    if how.reuse and found.one and (noted := _noted(found.one, str(found.table.rows_digest), found.base)):
        return noted
    return judged(desk, found).answer


def judged(desk: Desk, found: Case, *, by_row: bool = False) -> Judged:
    """The same of a case that was looked up, with its metric and, where asked for, the score of each row.

    `Refused` where the answers are no numbers.
    """
    from adapterhub.train import measure
    from adapterhub.train.resources.device import describe, pick
    from adapterhub.train.resources.memory import process_peak
    from adapterhub.train.task import compared

    task, examples, one, device = found.task, found.examples, found.one, pick(found.how.device)
    told = measured(
        desk,
        task,
        found.ground.folder,
        found.adapters,
        examples=examples,
        device=device,
        robust=found.config.robust,
        choose=found.how.choose,
    )
    _insist_on_numbers(found, told)
    answer = Evaluated(
        reference=one.label if one else found.expression,
        digest=one.digest if one else "",
        base=found.base,
        task=found.config.task,
        metrics=finite(told.metrics),
        rows=told.count,
        data=str(found.table.rows_digest),
        seconds=told.seconds,
        latency=1000 * told.seconds / max(1, told.count),
        peak_memory=process_peak(device),
        device=describe(device),
        findings=no_numbers(told.metrics, f"on {told.count} rows"),
    )
    if one and not is_folder(one.label):
        _note(desk, answer, found.table)
    rows = measure.by_row(task, task.metric, told.answers, examples) if by_row else ()
    return Judged(answer, compared(task), tuple(rows))


def _insist_on_numbers(found: Case, told: "Measured") -> None:
    """`Refused` where the metric that is compared, or the loss, is none: what is said beside them means nothing.

    A metric of somebody's task may be none for other reasons than the answers, as an AUC of rows of one label is.
    """
    from adapterhub.train import measure

    ours = ":" not in found.config.task
    for name in dict.fromkeys((*([found.task.metric] if ours else []), "loss")):
        if not isfinite(value := told.metrics.get(name, 0.0)):
            rows = measure.by_row(found.task, name, told.answers, found.examples)
            bad = sum(not isfinite(row) for row in rows)
            raise Refused(
                f"{found.expression}: its {name} is {value} on {found.table.name}: the answers to {bad} of "
                f"{told.count} rows are no numbers",
                hint="`adapterhub audit REF --deep` finds values that are none; smaller weights in a sum may help",
            )


def _noted(one: Subject, rows: str, base: str) -> Evaluated | None:
    """What was measured of an entry on these rows before, on the same base."""
    said = gather(one.entry.notes).evaluation.get(rows)
    if not said or said.get("base") != base:
        return None
    try:
        return Evaluated(**{**said, "reference": one.label, "digest": one.digest, "data": rows})
    except ValidationError:  # a stranger's word, or that of another release: it is measured again
        return None


def _note(desk: Desk, answer: Evaluated, table: "Table") -> None:
    data = answer.model_copy(update={"reference": "", "digest": "", "findings": ()}).plain()
    reference = desk.reference(answer.reference)
    known = gather(desk.store.under(reference.name).notes.about(Digest.parse(answer.digest)))
    said: dict[str, Any] = {str(table.rows_digest): {name: value for name, value in data.items() if name != "data"}}
    if not _known(known.evaluation.get(answer.data, {}), answer):
        desk.store.note(
            desk.store.resolve(reference).reference, desk.store.say(Digest.parse(answer.digest), "evaluation", said)
        )


def _known(said: Mapping[str, Any], answer: Evaluated) -> bool:
    """Whether the same was measured before; time and memory are others each time."""
    return all(said.get(name) == getattr(answer, name) for name in ("metrics", "base", "task", "device"))

"""`stack` and `merge`: several adapters onto a live model, or into a new entry."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, final

from adapterhub.document import Document
from adapterhub.entry import Entry, FolderFiles
from adapterhub.errors import WrongUsage
from adapterhub.expression import Expression
from adapterhub.expression import parse as parse_expression
from adapterhub.facts import Facts
from adapterhub.formats.intake import take
from adapterhub.manifest import Parent
from adapterhub.reference import Reference
from adapterhub.registry import Listed
from adapterhub.store.derived import facts_of
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.look import manifest_of
from adapterhub.verbs.shown import Shown

if TYPE_CHECKING:
    from torch import nn

    from adapterhub.compose.stack import Stack
    from adapterhub.lora.delta import Delta

T = TypeVar("T")

__all__ = ["METHODS", "MergePlan", "merge", "merge_plan", "stack"]

METHODS = {"sum": "the exact weighted sum; its rank is the sum of the ranks"}


@final
@dataclass(frozen=True)
class Operand:
    """One adapter of an expression: what it is called in weights, its entry, its weight."""

    name: str
    label: str
    entry: Entry
    facts: Facts
    weight: float
    digest: str


class MergePlan(Document):
    """What a merge would do."""

    expression: str
    method: str
    rank: int
    operands: tuple[dict[str, object], ...]


def _operands(desk: Desk, text: str) -> list[Operand]:
    """Every adapter of an expression, found before anything is read."""
    expression: Expression = parse_expression(text)
    return [_operand(desk, term.operand, term.weight) for term in expression.terms]


def _operand(desk: Desk, operand: Reference | Path, weight: float) -> Operand:
    if isinstance(operand, Path):
        with closing(take(desk.folder(str(operand)))) as intake:
            manifest = manifest_of(intake)
            entry = Entry(manifest, FolderFiles(operand, dict(intake.paths)))
            return Operand(str(operand), str(operand), entry, intake.facts, weight, str(manifest.digest))
    listed: Listed
    listed, entry = desk.find(str(operand))
    facts = facts_of(desk.store, listed.digest, entry)
    # A weight is changed under the name that was written, without the pin: stack.weights = {"ada/sql": 1.0}.
    return Operand(str(operand.name), str(listed.reference), entry, facts, weight, str(listed.digest))


def stack(desk: Desk, model: "nn.Module", text: str) -> "Stack":
    """The adapters of an expression, ready to be attached to a live model by `with`."""
    from adapterhub.compose.stack import stack as attach
    from adapterhub.lora.load import load

    operands = _operands(desk, text)
    names = [operand.name for operand in operands]
    # Two versions of one adapter are told apart by their pins.
    return attach(
        model,
        [(o.name if names.count(o.name) == 1 else o.label, load(o.entry, o.label), o.weight) for o in operands],
    )


def merge_plan(desk: Desk, text: str, method: str = "sum") -> MergePlan:
    """What would be merged; nothing is computed and nothing written."""
    _check_method(method)
    operands = _operands(desk, text)
    rows: tuple[dict[str, object], ...] = tuple(
        {"reference": o.label, "weight": o.weight, "rank": o.facts.rank, "digest": o.digest} for o in operands
    )
    rank = sum(o.facts.rank or 0 for o in operands if o.weight)
    return MergePlan(expression=text, method=method, rank=rank, operands=rows)


def merge(desk: Desk, text: str, name: str, method: str = "sum") -> Shown:
    """A new entry with its parents, its recipe, and the base all parents agree on."""
    from adapterhub.compose.merge import weighted_sum
    from adapterhub.formats.peft_write import write
    from adapterhub.lora.load import load

    _check_method(method)
    desk.reference(name)
    operands = _operands(desk, text)
    parts: list[tuple[Mapping[str, Delta], float]] = [(load(o.entry, o.label), o.weight) for o in operands]
    merged = weighted_sum(parts)
    request = Request(
        parents=tuple(Parent(digest=o.digest, weight=o.weight) for o in operands),
        recipe={"method": method},
        pin=_agreed([o.entry.manifest.base for o in operands]),
        cards=tuple(sorted({card for o in operands for card in o.entry.cards})),
    )
    with tempfile.TemporaryDirectory() as folder:
        base_name, task = _agreed([o.facts.base_name for o in operands]), _agreed([o.facts.task for o in operands])
        # On GPT-2's Conv1D layers peft wants to be told that the weight lies the other way round.
        turned = {"fan_in_fan_out": True} if any(o.facts.details.get("fan_in_fan_out") for o in operands) else {}
        write(merged.factors, Path(folder), base_name=base_name, task=task, fields=turned)
        answer = add(desk, Path(folder), name, request)
    return answer.model_copy(update={"relative_error": merged.relative_error})


def _agreed(values: Sequence[T]) -> T | None:
    """What all say, or None where they differ."""
    return values[0] if all(value == values[0] for value in values) else None


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise WrongUsage(f"no method is called {method!r}", hint=f"methods: {', '.join(METHODS)}")

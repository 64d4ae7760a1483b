"""`stack` and `merge`: several adapters onto a live model, or into a new entry."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from adapterhub.compose.methods import Shape, check_method, check_shapes, check_weights
from adapterhub.document import Document
from adapterhub.expression import Term
from adapterhub.expression import parse as parse_expression
from adapterhub.finding import Finding
from adapterhub.formats.members import EntryMembers
from adapterhub.manifest import BasePin, Parent
from adapterhub.note import gather
from adapterhub.reference import Reference
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.desk import Desk, as_word
from adapterhub.verbs.shown import Shown
from adapterhub.verbs.subject import Subject, subject

if TYPE_CHECKING:
    from torch import nn

    from adapterhub.compose.merge import Merged
    from adapterhub.compose.stack import Stack

__all__ = ["MergePlan", "merge", "merge_plan", "stack"]

Operand = tuple[Subject, float]
T = TypeVar("T")


class MergePlan(Document):
    """What a merge would do. `name` is what the result would be called, where that was asked."""

    expression: str
    method: str
    rank: int
    operands: tuple[dict[str, object], ...]
    name: str = ""
    findings: tuple[Finding, ...] = ()


def _operands(desk: Desk, text: str) -> list[Operand]:
    """Every adapter of an expression with its weight, found before anything is read."""
    return [_operand(desk, term) for term in parse_expression(text).terms]


def _operand(desk: Desk, term: Term) -> Operand:
    word = as_word(term.operand) if isinstance(term.operand, Path) else str(term.operand)
    with subject(desk, word) as found:
        return found, term.weight


def stack(desk: Desk, model: "nn.Module", text: str) -> "Stack":
    """The adapters of an expression, ready to be attached to a live model by `with`."""
    from adapterhub.compose.stack import stack as attach
    from adapterhub.lora.load import load

    operands = _operands(desk, text)
    names = [one.name for one, _ in operands]
    # A weight is changed under the name without its pin, unless two versions of one adapter must be told apart.
    called = [one.name if names.count(one.name) == 1 else one.label for one, _ in operands]
    return attach(
        model,
        [(name, load(one.entry, one.label), weight) for name, (one, weight) in zip(called, operands, strict=True)],
    )


def merge_plan(desk: Desk, text: str, method: str = "sum", name: str | None = None) -> MergePlan:
    """What would be merged; every mistake is found in the headers, nothing is computed and nothing written."""
    check_method(method)
    target = desk.target(name) if name is not None else None
    operands = _operands(desk, text)
    check_weights([weight for _, weight in operands])
    rows: tuple[dict[str, object], ...] = tuple(
        {"reference": one.label, "weight": weight, "rank": one.facts.rank, "digest": one.digest}
        for one, weight in operands
    )
    factors = [_factors(one) for one, weight in operands if weight]
    check_shapes({module: shape for module, (shape, _) in part.items()} for part in factors)
    ranks = Counter[str]()
    for part in factors:
        ranks.update({module: rank for module, (_, rank) in part.items()})
    return MergePlan(
        expression=text,
        method=method,
        rank=max(ranks.values()),
        operands=rows,
        name=str(target or ""),
        findings=(*_apart([one for one, _ in operands]), *_taken(desk, target)),
    )


def _taken(desk: Desk, target: Reference | None) -> Iterator[Finding]:
    """A version that is there already can only be the same again."""
    if target is None or target.pin is None:
        return
    names = desk.store.names
    there = names.version(target.name, target.pin) or names.removed(target.name, target.pin)
    if there or target.pin in names.aliases(target.name):
        yield Finding(
            check="name-taken",
            severity="warning",
            place=str(target),
            message=f"{target.pin} is {'a version' if there else 'an alias'} of {target.name} already",
            remedy="leave the version out, unless the merge makes the same bytes again",
        )


def _factors(one: Subject) -> dict[str, tuple[Shape, int]]:
    """The shape and the rank of every weight change, from the header; raises what `load` would."""
    from adapterhub.lora.plain import plain_parts

    parts = plain_parts(EntryMembers(one.entry), one.entry.manifest.kind, one.label)
    found = {}
    for module, roles in parts.modules.items():
        (rank, into), (out, _) = roles["A"].shape, roles["B"].shape
        parts.config.scaling(module, rank)  # what is no number is said now
        found[module] = ((out, into), rank)
    return found


def merge(desk: Desk, text: str, name: str, method: str = "sum") -> Shown:
    """A new entry with its parents, its recipe, and the base all parents agree on."""
    from adapterhub.compose.merge import weighted_sum
    from adapterhub.lora.load import load

    check_method(method)
    desk.target(name)
    operands = _operands(desk, text)
    merged = weighted_sum([(load(one.entry, one.label), weight) for one, weight in operands])
    request = Request(
        parents=tuple(Parent(digest=one.digest, weight=weight) for one, weight in operands),
        recipe={"method": method},
        pin=_agreed([_pin(one) for one, _ in operands]),
        cards=tuple(sorted({card for one, _ in operands for card in one.entry.cards})),
    )
    with tempfile.TemporaryDirectory() as folder:
        _write(merged, Path(folder), [one for one, _ in operands])
        answer = add(desk, Path(folder), name, request)
    findings = (*answer.findings, *_apart([one for one, _ in operands]))
    return answer.model_copy(update={"relative_error": merged.relative_error, "findings": findings})


def _pin(one: Subject) -> BasePin | None:
    """The base of an operand: the manifest's, else the one noted later."""
    noted = gather(one.entry.notes).base
    return one.entry.manifest.base or (BasePin.model_validate(noted) if noted else None)


def _apart(parents: Sequence[Subject]) -> Iterator[Finding]:
    """A sum of adapters that were trained on different weights is arithmetic, not yet sense."""
    pins = [_pin(one) for one in parents]
    digests = {str(pin.weights_digest)[:19] if pin else "" for pin in pins}
    names = {str(one.facts.base_name or "") for one in parents}
    if len(digests - {""}) > 1 or ("" in digests and len(names - {""}) > 1):
        bases = ", ".join(
            f"{one.label} on {one.facts.base_name or '?'} {str(pin.weights_digest)[:19] if pin else '(by name only)'}"
            for one, pin in zip(parents, pins, strict=True)
        )
        yield Finding(
            check="bases-differ",
            severity="warning",
            place="parents",
            message=f"the parents were trained on different bases: {bases}",
            remedy="`adapterhub audit` says how far they drifted; evaluate the result on the base you mean",
        )


def _write(merged: "Merged", folder: Path, parents: Sequence[Subject]) -> None:
    """The merged adapter as a PEFT folder, with what its parents agree on."""
    from adapterhub.formats.peft_write import write

    facts = [parent.facts for parent in parents]
    # On GPT-2's Conv1D layers peft wants to be told that the weight lies the other way round.
    turned = {"fan_in_fan_out": True} if any(one.details.get("fan_in_fan_out") for one in facts) else {}
    base_name, task = _agreed([one.base_name for one in facts]), _agreed([one.task for one in facts])
    write(merged.factors, folder, base_name=base_name, task=task, fields=turned)


def _agreed(values: Sequence[T]) -> T | None:
    """What all say, or None where they differ."""
    return values[0] if all(value == values[0] for value in values) else None

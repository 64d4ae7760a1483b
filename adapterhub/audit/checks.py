"""What the audit looks for: one function and one line of the table each. A check yields a finding or none."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

from adapterhub.audit.pair import Pair
from adapterhub.base.fold import fold, sentence
from adapterhub.base.pins import contradictions
from adapterhub.finding import Finding, Severity

__all__ = ["CHECKS", "Check"]

MOST = 20
"""Findings of one check; what is left is counted in the last."""


@final
@dataclass(frozen=True)
class Check:
    """A row of the table: what the check asks, and the function that answers."""

    about: str
    look: Callable[[Pair], Iterator[Finding]]


def _missing(pair: Pair) -> Iterator[Finding]:
    for place in fold(pair.naming.missing)[:MOST]:
        yield Finding(
            check="missing-module",
            severity="error",
            place=place,
            message=f"{pair.base.name} has no such module",
            remedy=_which_base(pair),
        )


def _shape(pair: Pair) -> Iterator[Finding]:
    shapes: dict[tuple[tuple[int, ...], tuple[int, ...]], list[str]] = {}
    for wrong in pair.mismatched:
        shapes.setdefault((wrong.adapter, wrong.base), []).append(wrong.module)
    for (wanted, got), modules in shapes.items():
        yield Finding(
            check="shape",
            severity="error",
            place=sentence(modules),
            message=f"the adapter changes a weight of {_by(wanted)}, {pair.base.name} has {_by(got)} there",
            remedy=_which_base(pair),
        )


def _drift(pair: Pair) -> Iterator[Finding]:
    if pair.drifted:
        yield Finding(
            check="drift",
            severity="warning",
            place=sentence(pair.drifted),
            message=f"{len(pair.drifted)} targeted weights differ from those it was trained on",
            remedy=f"{_which_base(pair)}; or evaluate it here before relying on it",
        )


def _no_hashes(pair: Pair) -> Iterator[Finding]:
    pin, recorded, base = pair.adapter.pin, pair.adapter.recorded, pair.base
    if pin is None or pin.evidence != "bytes" or pin.weights_digest == base.weights_digest:
        return
    if base.header_only:
        yield _info("no-hashes", base.name, "its card has no hashes of weights, so equality cannot be told")
    elif recorded is None:
        yield _info("no-hashes", pin.card or "the pin", "the card of the base it was trained on is not here")
    elif recorded.header_only:
        yield _info(
            "no-hashes", recorded.name, "the recorded card has no hashes of weights, so equality cannot be told"
        )


def _model_type(pair: Pair) -> Iterator[Finding]:
    recorded = pair.adapter.recorded
    wanted = recorded.model_type if recorded else pair.adapter.model_type
    here = pair.base.model_type
    # The module of a model type is spelled with underscores in Python's paths.
    if wanted and here and wanted.replace("-", "_") != here.replace("-", "_"):
        yield Finding(
            check="model-type",
            severity="warning",
            place=pair.base.name,
            message=f"the adapter was trained on the model type {wanted}, this base is {here}",
            remedy="names and shapes may agree by chance: " + _which_base(pair),
        )


def _targets(pair: Pair) -> Iterator[Finding]:
    known = [*pair.adapter.targets, *pair.base.weights]
    for target in pair.adapter.listed:
        if not any(name == target or name.endswith(f".{target}") for name in known):
            yield Finding(
                check="target",
                severity="warning",
                place="target_modules",
                message=f"{target!r} matches no module of the adapter and none of {pair.base.name}",
                remedy="a misspelt target trains nothing; take it out of the config, or train again",
            )


def _base_name(pair: Pair) -> Iterator[Finding]:
    pin, facts = pair.adapter.pin, pair.adapter.facts
    if pin is None or not facts.base_name or not (pin.source or "").startswith("hf:"):
        return
    source, _, revision = (pin.source or "").removeprefix("hf:").partition("@")
    pinned, named = (pin.revision or revision), facts.base_revision
    if source.casefold() != facts.base_name.casefold():
        yield _contradiction("base-name", f"the config names {facts.base_name}, the manifest pins {source}")
    elif pinned and named and not pinned.startswith(named) and not named.startswith(pinned):
        yield _contradiction("base-name", f"the config names the revision {named}, the manifest pins {pinned}")


def _pins(pair: Pair) -> Iterator[Finding]:
    yield from contradictions(pair.adapter.pin, pair.adapter.noted)


def _saved(pair: Pair) -> Iterator[Finding]:
    for name, shape in pair.adapter.saved.items():
        row = pair.base.by_name.get(pair.in_base(name))
        if row is not None and row.shape != shape:
            message = f"the adapter brings its own, {_by(shape)}; the base has {_by(row.shape)}"
            yield _info("saved-tensor", name, message)


def _nothing(pair: Pair) -> Iterator[Finding]:
    if not pair.adapter.targets and not pair.adapter.unread:
        yield _info(
            "targets-nothing", pair.adapter.name, "its header names no module of a base, so there is nothing to hold"
        )


def _unread(pair: Pair) -> Iterator[Finding]:
    if pair.adapter.unread:
        message = f"{len(pair.adapter.unread)} modules change bare parameters; their shapes were not compared"
        yield _info("unread-module", sentence(pair.adapter.unread), message)


CHECKS = {
    "missing-module": Check("Is every module there?", _missing),
    "shape": Check("Has every weight the shape the adapter changes?", _shape),
    "drift": Check("Are the weights those it was trained on?", _drift),
    "no-hashes": Check("Can that be told at all?", _no_hashes),
    "model-type": Check("Is the base of the kind it was trained on?", _model_type),
    "target": Check("Does every target of the config match something?", _targets),
    "base-name": Check("Does the config's name of the base agree with the pin?", _base_name),
    "pin-contradicted": Check("Do the manifest's pin and later notes agree?", _pins),
    "saved-tensor": Check("Which whole tensors does it bring in another size?", _saved),
    "unread-module": Check("Was every module compared?", _unread),
    "targets-nothing": Check("Does it target anything?", _nothing),
}


def _info(check: str, place: str, message: str) -> Finding:
    return Finding(check=check, severity="info", place=place, message=message)


def _contradiction(check: str, message: str, severity: Severity = "warning") -> Finding:
    remedy = "the manifest's pin is what counts; correct whichever is wrong"
    return Finding(check=check, severity=severity, place="base", message=message, remedy=remedy)


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "one number"


def _which_base(pair: Pair) -> str:
    pin = pair.adapter.pin
    source = pair.adapter.facts.base_called(pin.source if pin else None)
    return f"it was trained on {source}" if source else "find out which base it was trained on"

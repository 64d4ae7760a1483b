"""What a recipe names: the adapters themselves, and what they agree on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from adapterhub.compose.recipe import Recipe
from adapterhub.errors import AdapterHubError, NotFound
from adapterhub.finding import Finding
from adapterhub.manifest import BasePin
from adapterhub.note import gather
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.subject import Subject, subject

__all__ = ["agreed", "apart", "attempt", "find", "operands", "pin_of", "place_of", "tell"]

T = TypeVar("T")
R = TypeVar("R")


def operands(desk: Desk, recipe: Recipe) -> list[Subject]:
    """Every adapter of a recipe, found before anything is read; one error tells all that are not."""
    faults: list[AdapterHubError] = []
    found = attempt(lambda one: find(desk, one.adapter), recipe.adapters, faults)
    tell(faults)
    return [one for one in found if one is not None]


def attempt(step: Callable[[T], R], items: Iterable[T], faults: list[AdapterHubError]) -> list[R | None]:
    """The step's answer for each item, None where it fails; the error goes to the faults."""
    answers: list[R | None] = []
    for item in items:
        try:
            answers.append(step(item))
        except AdapterHubError as error:
            answers.append(None)
            faults.append(error)
    return answers


def tell(faults: Sequence[AdapterHubError]) -> None:
    """Raise all faults as one error, of the kind of the first."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        hints = dict.fromkeys(fault.hint for fault in faults if fault.hint)
        raise type(faults[0])("; ".join(map(str, faults)), hint="; ".join(hints))


def find(desk: Desk, word: str) -> Subject:
    """One adapter of a recipe."""
    with subject(desk, word) as found:
        return found


def place_of(choose: str | None, recipe: Recipe, found: Sequence[Subject]) -> int | None:
    """Which adapter was chosen: it may be named as it was typed, without its pin, or with it."""
    if (choose := choose or recipe.choose) is None:
        return None
    for place, (asked, one) in enumerate(zip(recipe.adapters, found, strict=True)):
        if choose in (asked.adapter, one.label, one.name):
            return place
    names = ", ".join(one.label for one in found)
    raise NotFound(f"{choose} was chosen, and is none of {names}", hint="choose one of them")


def agreed(values: Sequence[T]) -> T | None:
    """What all say, or None where they differ."""
    return values[0] if all(value == values[0] for value in values) else None


def pin_of(one: Subject) -> BasePin | None:
    """The base of an operand: the manifest's, else the one noted later."""
    return one.entry.manifest.base or gather(one.entry.notes).pin


def apart(found: Sequence[Subject], who: str = "parents") -> Iterator[Finding]:
    """A sum of adapters that were trained on different weights is arithmetic, not yet sense; nor is their likeness."""
    pins = [pin_of(one) for one in found]
    digests = {(pin.weights_digest or "")[:19] if pin else "" for pin in pins}
    names = {str(one.facts.base_name or "") for one in found}
    if len(digests - {""}) > 1 or ("" in digests and len(names - {""}) > 1):
        bases: dict[str, list[str]] = {}
        for one, pin in zip(found, pins, strict=True):
            known = (pin.weights_digest or f"(by {pin.evidence} only)")[:19] if pin else "(by name only)"
            bases.setdefault(f"{one.facts.base_name or '?'} {known}", []).append(one.label)
        told = "; ".join(f"{', '.join(labels)} on {base}" for base, labels in bases.items())
        yield Finding(
            check="bases-differ",
            severity="warning",
            place=who,
            message=f"the {who} were trained on different bases: {told}",
            remedy="`adapterhub audit` says how far they drifted; evaluate the result on the base you mean",
        )

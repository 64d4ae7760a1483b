"""`base diff`: which tensors of two bases differ, and how far."""

from typing import Any

from adapterhub.base.card import Card
from adapterhub.base.difference import Difference, difference
from adapterhub.base.distance import Distance, Side, distances, total
from adapterhub.base.places import Places
from adapterhub.document import Document
from adapterhub.verbs.base_places import Place
from adapterhub.verbs.bases import card_for, readable, with_files
from adapterhub.verbs.desk import Desk

__all__ = ["BaseDiff", "TensorDistance", "base_diff"]


class TensorDistance(Document):
    """How far a tensor lies from what it was: ‖b − a‖ / ‖a‖, and the largest absolute difference of a value.

    None where a norm is zero or a value is no number. `cast`: b is a's copy in bf16, or the other way round.
    """

    tensor: str
    relative: float | None = None
    largest: float | None = None
    cast: bool = False


class BaseDiff(Document):
    """The tensors in which two bases differ, under the names the first has for them.

    `changed` have other bytes, `untold` no digest on one side. `distances` are there where both bases can be read here;
    `relative` and `largest` are those of all changed tensors together.
    """

    a: str
    b: str
    naming: str = "identity"
    same: int
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    distances: tuple[TensorDistance, ...] = ()
    relative: float | None = None
    largest: float | None = None

    def plain(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def base_diff(desk: Desk, a: str, b: str) -> BaseDiff:
    """Which tensors two bases do not share, and how far apart those are that can be read on this machine."""
    one, other = card_for(desk, a), card_for(desk, b)
    if bool(one.files) != bool(other.files):
        one, other = with_files(desk, one), with_files(desk, other)
    found = difference(one, other)
    apart = _apart(desk, (one, other), found)
    cast = set(found.cast)
    whole = total(apart.values()) if apart else None
    return BaseDiff(
        a=one.name,
        b=other.name,
        naming=found.rule,
        same=len(found.same),
        only_a=found.only_a,
        only_b=found.only_b,
        reshaped=found.reshaped,
        changed=found.changed,
        untold=found.untold,
        distances=tuple(
            TensorDistance(tensor=name, relative=apart[name].relative, largest=apart[name].largest, cast=name in cast)
            for name in sorted(apart)
        ),
        relative=whole.relative if whole else None,
        largest=whole.largest if whole else None,
    )


def _apart(desk: Desk, cards: tuple[Card, Card], found: Difference) -> dict[str, Distance]:
    """The distances of what changed, or may have, where both bases still lie on this machine."""
    names = (*found.changed, *found.untold)
    places = [place for card in cards if names and (place := readable(desk, card))]
    if len(places) < 2:
        return {}
    first, second = ((place, place.tensors()) for place in places)
    pairs = ((name, _side(*first, name), _side(*second, found.names[name])) for name in names)
    return distances((name, a, b) for name, a, b in pairs if a and b)


def _side(place: Place, tensors: Places, name: str) -> Side | None:
    return (place.members, *tensors.tensors[name]) if name in tensors.tensors else None

"""Which bases somebody may hear of, how an adapter fits them, and which adapters fit a base.

`namespaces` are those whose private adapters he may see; None means all. Who does not see all hears of the bases that
the adapters he sees are pinned to, and of no other: a base may be somebody's own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache

from adapterhub.audit.report import VERDICTS, Report, Verdict
from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.errors import AdapterHubError
from adapterhub.settings import KnownBase
from adapterhub.store.index.alike import Key
from adapterhub.store.index.kin import pinned
from adapterhub.verbs.bases import base_names, known_card
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.fits import adapter_for, fitting
from adapterhub.verbs.matrix import groups, members

__all__ = ["Bases", "bases_for", "fit_row", "fitting_on"]

Bases = dict[Digest, Card]
"""Base cards by their own digest."""

Namespaces = frozenset[str] | None
ORDER = list(VERDICTS)


def bases_for(desk: Desk, namespaces: Namespaces) -> Bases:
    """The bases, by what they are called here."""
    if next(desk.store.card_digests(), None) is None:
        return {}
    told = None if namespaces is None else pinned(desk.store, namespaces)
    found = {digest: card for digest, card in _cards(desk, told) if told is None or str(digest) in told}
    return dict(sorted(found.items(), key=lambda item: (item[1].name, item[0])))


def _cards(desk: Desk, told: Mapping[str, str] | None) -> Iterator[tuple[Digest, Card]]:
    names = base_names(desk, told)
    for digest in desk.store.card_digests():
        try:
            yield digest, _card(digest, desk.store.card(digest), names.get(digest.hex))
        except (AdapterHubError, OSError):  # one damaged card hides no other
            continue


@lru_cache(64)
def _card(digest: Digest, data: bytes, known: KnownBase | None) -> Card:
    """A card, and what is derived from it: reading one of a large model takes a while."""
    return known_card(digest, data, {digest.hex: known} if known else {})


def fit_row(desk: Desk, reference: str, bases: Bases) -> list[tuple[Digest, Report]]:
    """How an adapter fits each base, the best first; raises where it cannot be audited."""
    if not bases:
        return []
    reports = fitting(desk, bases.values())(adapter_for(desk, reference))
    return sorted(zip(bases, reports, strict=True), key=lambda pair: ORDER.index(pair[1].verdict))


def fitting_on(desk: Desk, card: Card, namespaces: Namespaces, most: int) -> tuple[Counter[Verdict], list[Report], int]:
    """How many newest versions fit a base how well, the reports of the best, by verdict and name, and how many versions
    `known_adapters` has not read yet.

    Those that fit alike are asked once: there may be very many adapters, and few layouts. A misfit has no report.
    """
    fits, counts, alike = fitting(desk, [card]), Counter[Verdict](), dict[Verdict, dict[Key, Report]]()
    found, unread = groups(desk, namespaces)
    for group, adapter in found:
        with suppress(AdapterHubError):
            for report in fits(adapter):
                counts[report.verdict] += group.count
                alike.setdefault(report.verdict, {})[group.key] = report
    best = list[Report]()
    for verdict in (one for one in ORDER if one in alike and one != "misfit"):
        rows = members(desk, alike[verdict], namespaces, most - len(best)) if most > len(best) else []
        best += [alike[verdict][key].of(reference, digest) for reference, digest, key in rows]
    return counts, best, unread

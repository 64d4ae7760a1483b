"""Bases: those a caller may hear of, and what fits one."""

from dataclasses import dataclass
from typing import Any, final

from adapterhub.audit.report import VERDICTS
from adapterhub.base.card import Card
from adapterhub.digest import Digest
from adapterhub.errors import NotFound
from adapterhub.server.access import Caller
from adapterhub.server.warming import Warming
from adapterhub.verbs.base_shown import BaseShown, shown_card
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_fit import bases_for, fitting_on

__all__ = ["Known", "known", "known_one"]

MOST = 500
"""Adapters in the table: the best."""

TENSORS = 2000


@final
@dataclass(frozen=True)
class Known:
    """A base; where it lies is told where that is a place on a Hub, and not one on the server's machine."""

    digest: Digest
    told: BaseShown

    @property
    def source(self) -> str:
        return self.told.source if self.told.source and self.told.source.startswith("hf:") else ""


def known(desk: Desk, who: Caller) -> list[Known]:
    """The bases a caller may hear of, by name."""
    return [_known(digest, card) for digest, card in bases_for(desk, who.sees).items()]


def _known(digest: Digest, card: Card) -> Known:
    return Known(digest, shown_card(card, digest.hex))


def known_one(desk: Desk, who: Caller, digest: Digest, warming: Warming) -> dict[str, Any]:
    """What the template of a base shows; `NotFound` for one that is not here, or that the caller may not hear of."""
    card = bases_for(desk, who.sees).get(digest)
    if card is None:
        raise NotFound(f"{digest}: no such base, or none that you may see", hint="a token may show more")
    counts, best, unread = fitting_on(desk, card, who.sees, MOST)
    warmth = warming.state() if unread else "read"
    if unread:
        counts, best, unread = fitting_on(desk, card, who.sees, MOST)
    return {
        "base": _known(digest, card),
        "reports": best,
        "unread": unread,
        "warmth": warmth,
        "fitting": counts.total() - counts["misfit"],
        "counts": [(verdict, counts[verdict], about) for verdict, about in VERDICTS.items() if counts[verdict]],
        "tensors": [(row.name, row.dtype, row.shape) for row in card.tensors[:TENSORS]],
        "all_tensors": len(card.tensors),
    }

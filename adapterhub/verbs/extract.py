"""`extract`: what a fine-tuning changed, as an adapter."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.base.card import Card
from adapterhub.document import Document
from adapterhub.finding import Finding
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.bases import base_add_card, card_bytes, card_for, pin_of
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.live import folder_of_base
from adapterhub.verbs.shown import Shown
from adapterhub.verbs.taken import insist_on_free, taken
from adapterhub.verbs.told import Told

if TYPE_CHECKING:
    from adapterhub.compose.checkpoints.extract import Extraction
    from adapterhub.compose.checkpoints.extract_plan import ExtractPlan as Plan

__all__ = ["ExtractPlan", "PlacePlan", "extract", "extract_plan"]

Progress = Callable[[int, int], None]
F32, WORK = 4, 12
"""Bytes of a number that is written, and of one that is worked on: its change, and copies of it."""


class PlacePlan(Document):
    """One weight that is compared: (out, in) of its change, and the largest rank its factors can have if it changed."""

    module: str
    shape: tuple[int, int]
    rank: int | None = None


class ExtractPlan(Document):
    """What an extraction would do with what differs; what does not is left out, and that only the values tell.

    `left_out`: tensors of which a change is no factors, and why. `reads`: bytes; each is read twice where it differs.
    `writes`: bytes of the factors at most, None where an energy decides; the error is known when they are computed.
    """

    base: str
    tuned: str
    rank: int | None = None
    energy: float | None = None
    modules: tuple[PlacePlan, ...]
    left_out: dict[str, str] = {}
    reads: int = 0
    writes: int | None = None
    memory: int = 0
    name: str = ""
    findings: tuple[Finding, ...] = ()


def extract(
    desk: Desk, base: str, tuned: str, name: str, how: Mapping[str, Any], progress: Progress | None = None
) -> Shown:
    """A new entry, pinned to the base, whose factors are the nearest of their rank to what changed between the two.

    how: rank or energy, targets (a pattern).
    """
    from adapterhub.compose.checkpoints.extract import extract as run

    target, how, plan = desk.target(name), _asked(how), _plan(desk, base, tuned, how)
    insist_on_free(desk, target, _request(how))
    told = Told(progress, plan.base.size + plan.tuned.size)
    card, changed = (card_for(desk, word, watch=told) for word in (base, tuned))
    found = run(plan.base.folder, plan.tuned.folder, same=_same(plan, card, changed), progress=progress, **how)
    base_add_card(desk, card)
    with tempfile.TemporaryDirectory() as folder:
        _write(found, Path(folder))
        answer = add(desk, Path(folder), name, _request({**how, "tuned": changed.weights_digest}, card))
    return answer.model_copy(
        update={
            "relative_error": found.relative_error,
            "errors": {module: one.relative_error for module, one in found.modules.items()},
            "findings": (*answer.findings, *_left_out(found)),
        }
    )


def extract_plan(desk: Desk, base: str, tuned: str, how: Mapping[str, Any], name: str | None = None) -> ExtractPlan:
    """What would be compared and what could come out, from headers alone; nothing is computed and nothing written."""
    target, how, plan = desk.target(name) if name is not None else None, _asked(how), _plan(desk, base, tuned, how)
    writes = [F32 * rank * sum(one.shape) for one in plan.places if (rank := plan.rank(one))]
    return ExtractPlan(
        base=str(plan.base.folder),
        tuned=str(plan.tuned.folder),
        rank=plan.limit.rank,
        energy=plan.limit.energy,
        modules=tuple(PlacePlan(module=one.module, shape=one.shape, rank=plan.rank(one)) for one in plan.places),
        left_out={pair.name: why for pair, why in plan.others.items()} | dict(plan.alone),
        reads=plan.base.size + plan.tuned.size,
        writes=sum(writes) if plan.limit.rank else None,
        memory=sum(writes) + max((WORK * one.shape[0] * one.shape[1] for one in plan.places), default=0),
        name=str(target or ""),
        findings=tuple(taken(desk, target, _request(how))) if target else (),
    )


def _asked(how: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in how.items() if value is not None}


def _plan(desk: Desk, base: str, tuned: str, how: Mapping[str, Any]) -> "Plan":
    from adapterhub.compose.checkpoints.extract_plan import plan_extract

    return plan_extract(folder_of_base(desk, base), folder_of_base(desk, tuned), **_asked(how))


def _request(recipe: Mapping[str, Any], card: Card | None = None) -> Request:
    """What the entry says of itself, as far as it is known."""
    said = {"method": "extract", **recipe}
    return Request(pin=pin_of(card), cards=(card_bytes(card),), recipe=said) if card else Request(recipe=said)


def _same(plan: "Plan", card: Card, changed: Card) -> frozenset[str]:
    """The tensors whose digests agree, which need not be read again."""
    both = ((pair.name, card.by_name[pair.name], changed.by_name[pair.tuned.name]) for pair in plan.pairs)
    return frozenset(name for name, one, other in both if (one.dtype, one.sha256) == (other.dtype, other.sha256))


def _write(found: "Extraction", folder: Path) -> None:
    from adapterhub.lora.adapter import Adapter
    from adapterhub.lora.save import save

    deltas = {module: one.delta for module, one in found.modules.items()}
    save(Adapter(deltas), folder, {"fan_in_fan_out": any(one.turned for one in found.modules.values())})


def _left_out(found: "Extraction") -> Iterator[Finding]:
    """What changed besides, which factors cannot hold."""
    for tensor, why in found.left_out.items():
        yield Finding(
            check="not-captured",
            severity="warning",
            place=tensor,
            message=f"{tensor} differs too, and is not in the adapter: {why}",
            remedy="what the adapter gives is the tuned model without this change",
        )

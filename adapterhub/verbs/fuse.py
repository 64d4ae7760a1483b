"""`fuse`: adapters into the weights of their base, as a plain checkpoint and, if wanted, an entry of its own."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.document import Document
from adapterhub.finding import Finding
from adapterhub.manifest import Parent
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.bases import base_add_card, card_bytes, card_for, pin_of
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.live import Asked, asked, folder_of_base, insist_on_fit
from adapterhub.verbs.taken import insist_on_free, taken
from adapterhub.verbs.told import Told

if TYPE_CHECKING:
    from adapterhub.compose.checkpoints.patch import Patch

__all__ = ["FusePlan", "Fused", "TensorPlan", "fuse", "fuse_plan"]


class TensorPlan(Document):
    """One tensor that changes, as it is stored, and the sum of the ranks that meet in it."""

    tensor: str
    shape: tuple[int, int]
    dtype: str
    rank: int


class FusePlan(Document):
    """What a fuse would do: tensors that change, how many are copied, new ones, bytes that are written in all.

    The cost: `flops` in leading terms, bytes that are read, and about how much `memory` beside Python and torch.
    `rounding`: all is computed in fp32 or wider and rounded once, by this part of a number at most.
    """

    base: str
    operands: tuple[dict[str, object], ...]
    tensors: tuple[TensorPlan, ...]
    added: tuple[str, ...] = ()
    copied: int
    bytes: int
    flops: int = 0
    reads: int = 0
    memory: int = 0
    rounding: float = 0.0
    notes: tuple[str, ...] = ()
    name: str = ""
    findings: tuple[Finding, ...] = ()


class Fused(Document):
    """What was written. `notes` are what a person should know; `reference` and `digest` where it became an entry."""

    folder: str
    touched: tuple[str, ...]
    copied: int
    bytes: int
    notes: tuple[str, ...] = ()
    reference: str = ""
    digest: str = ""


def fuse(
    desk: Desk,
    text: str,
    base: str,
    folder: Path,
    *,
    name: str | None = None,
    choose: str | None = None,
    allow: Mapping[str, bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Fused:
    """Write the base with the adapters of an expression in its weights to a folder; with a name, keep it too.

    The fit is asked first: whatever does not fit entirely is refused before anything is written. allow: what is refused
    unless it is asked for, `tied`, `new_tensors` and `partial` (see `compose.checkpoints.fuse`).
    """
    allow = allow or {}
    from adapterhub.compose.checkpoints.checkpoint import open_checkpoint
    from adapterhub.compose.checkpoints.fuse import fuse as write

    target = desk.target(name) if name is not None else None
    wanted, source = asked(desk, text, choose), folder_of_base(desk, base)
    request = _request(wanted, allow)
    if target is not None:
        insist_on_free(desk, target, request)
    insist_on_fit(desk, wanted, base, partial=allow.get("partial", False))
    said, chosen = _identity(wanted), wanted.chosen
    done = write(wanted.parts(), source, folder, recipe=said, choose=chosen, progress=progress, **allow)
    answer = Fused(folder=str(folder), touched=done.touched, copied=done.copied, bytes=done.bytes, notes=done.notes)
    if target is None:
        return answer
    card = card_for(desk, base, watch=Told(progress, open_checkpoint(source).size))
    base_add_card(desk, card)
    pinned = replace(request, pin=pin_of(card), cards=(card_bytes(card),))
    kept = add(desk, folder, str(target), pinned, Told(progress, done.bytes))
    return answer.model_copy(update={"reference": kept.reference, "digest": kept.digest})


def fuse_plan(
    desk: Desk,
    text: str,
    base: str,
    *,
    name: str | None = None,
    choose: str | None = None,
    allow: Mapping[str, bool] | None = None,
) -> FusePlan:
    """What a fuse would do, and whether it could be kept as `name`; every mistake is found, and nothing is written."""
    from adapterhub.compose.checkpoints.cost import cost
    from adapterhub.compose.checkpoints.fuse_plan import plan_fuse

    target = desk.target(name) if name is not None else None
    wanted, source = asked(desk, text, choose), folder_of_base(desk, base)
    insist_on_fit(desk, wanted, base, partial=(allow or {}).get("partial", False))
    plan = plan_fuse(wanted.parts(), source, recipe=_identity(wanted), choose=wanted.chosen, **(allow or {}))
    costs = cost(plan)
    return FusePlan(
        base=str(source),
        operands=tuple(
            {"reference": one.label, "weight": weight, "rank": one.facts.rank, "digest": one.digest}
            for one, weight in zip(wanted.found, wanted.weights, strict=True)
        ),
        tensors=tuple(_tensor(patch) for _, patch in sorted(plan.targets.patches.items())),
        added=tuple(sorted(plan.targets.added)),
        copied=len(set(plan.base.places) - set(plan.touched)),
        bytes=costs.writes,
        flops=costs.flops,
        reads=costs.reads + sum(one.entry.manifest.size for one in wanted.found),
        memory=costs.memory,
        rounding=costs.rounding,
        notes=plan.notes,
        name=str(target or ""),
        findings=tuple(taken(desk, target, _request(wanted, allow or {}))) if target else (),
    )


def _tensor(patch: "Patch") -> TensorPlan:
    ranks = (*(delta.rank for delta, _ in patch.deltas), *(one.delta.rank for one in patch.doras))
    name = str(patch.dtype).removeprefix("torch.")
    return TensorPlan(tensor=patch.tensor, shape=(patch.height, patch.width), dtype=name, rank=sum(ranks))


def _identity(wanted: Asked) -> dict[str, Any]:
    """What an interrupted fuse knows itself again by."""
    return {"adapters": [one.digest for one in wanted.found], "weights": list(wanted.weights)}


def _request(wanted: Asked, allow: Mapping[str, bool]) -> Request:
    """The lineage of a fused model: the adapters as parents, and what was chosen and allowed."""
    recipe: dict[str, Any] = {"method": "fuse", **{key: True for key, value in allow.items() if value}}
    if wanted.choose is not None:
        recipe["choose"] = wanted.choose
    return Request(
        parents=tuple(
            Parent(digest=one.digest, weight=weight) for one, weight in zip(wanted.found, wanted.weights, strict=True)
        ),
        recipe=recipe,
    )

"""`fuse`: adapters into the weights of their base, as a plain checkpoint and, if wanted, an entry of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.document import Document
from adapterhub.manifest import Parent
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.bases import base_add_card, card_bytes, card_for, pin_of
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.fits import audit
from adapterhub.verbs.live import Asked, asked, folder_of_base, insist_on_fit

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
    """What a fuse would do: tensors that change, how many are copied, new ones, bytes of the weights in all."""

    base: str
    operands: tuple[dict[str, object], ...]
    tensors: tuple[TensorPlan, ...]
    added: tuple[str, ...] = ()
    copied: int
    bytes: int
    notes: tuple[str, ...] = ()


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
    unless it is asked for, `tied` and `new_tensors` (see `compose.checkpoints.fuse`).
    """
    allow = allow or {}
    from adapterhub.compose.checkpoints.fuse import fuse as write

    if name is not None:
        desk.target(name)
    wanted, source = _fitting(desk, text, base, choose), folder_of_base(desk, base)
    said, chosen = _identity(wanted), wanted.chosen
    done = write(wanted.parts(), source, folder, recipe=said, choose=chosen, progress=progress, **allow)
    answer = Fused(folder=str(folder), touched=done.touched, copied=done.copied, bytes=done.bytes, notes=done.notes)
    if name is None:
        return answer
    kept = add(desk, folder, name, _request(desk, base, wanted, allow))
    return answer.model_copy(update={"reference": kept.reference, "digest": kept.digest})


def fuse_plan(
    desk: Desk, text: str, base: str, *, choose: str | None = None, allow: Mapping[str, bool] | None = None
) -> FusePlan:
    """What a fuse would do; every mistake is found, and nothing is written."""
    from adapterhub.compose.checkpoints.fuse_plan import plan_fuse

    wanted, source = _fitting(desk, text, base, choose), folder_of_base(desk, base)
    plan = plan_fuse(wanted.parts(), source, recipe=_identity(wanted), choose=wanted.chosen, **(allow or {}))
    return FusePlan(
        base=str(source),
        operands=tuple(
            {"reference": one.label, "weight": weight, "rank": one.facts.rank, "digest": one.digest}
            for one, weight in zip(wanted.found, wanted.weights, strict=True)
        ),
        tensors=tuple(_tensor(patch) for _, patch in sorted(plan.targets.patches.items())),
        added=tuple(sorted(plan.targets.added)),
        copied=len(set(plan.base.places) - set(plan.touched)),
        bytes=sum((plan.base.folder / shard).stat().st_size for shard in plan.base.shards),
        notes=plan.notes,
    )


def _tensor(patch: "Patch") -> TensorPlan:
    ranks = (*(delta.rank for delta, _ in patch.deltas), *(one.delta.rank for one in patch.doras))
    name = str(patch.dtype).removeprefix("torch.")
    return TensorPlan(tensor=patch.tensor, shape=(patch.height, patch.width), dtype=name, rank=sum(ranks))


def _fitting(desk: Desk, text: str, base: str, choose: str | None) -> Asked:
    """The adapters of an expression, all of which fit the base."""
    wanted = asked(desk, text, choose)
    insist_on_fit(audit(desk, [one.label for one in wanted.found], [base]))
    return wanted


def _identity(wanted: Asked) -> dict[str, Any]:
    """What an interrupted fuse knows itself again by."""
    return {"adapters": [one.digest for one in wanted.found], "weights": list(wanted.weights)}


def _request(desk: Desk, base: str, wanted: Asked, allow: Mapping[str, bool]) -> Request:
    """The lineage of a fused model: the adapters as parents, its base pinned by content."""
    card = card_for(desk, base)
    base_add_card(desk, card)
    recipe: dict[str, Any] = {"method": "fuse", **{key: True for key, value in allow.items() if value}}
    if wanted.choose is not None:
        recipe["choose"] = wanted.choose
    return Request(
        pin=pin_of(card),
        cards=(card_bytes(card),),
        parents=tuple(
            Parent(digest=one.digest, weight=weight) for one, weight in zip(wanted.found, wanted.weights, strict=True)
        ),
        recipe=recipe,
    )

"""`extract`: what a fine-tuning changed, as an adapter."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.finding import Finding
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.bases import base_add_card, card_bytes, card_for, pin_of
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.live import folder_of_base
from adapterhub.verbs.shown import Shown

if TYPE_CHECKING:
    from adapterhub.compose.checkpoints.extract import Extraction

__all__ = ["extract"]


def extract(
    desk: Desk,
    base: str,
    tuned: str,
    name: str,
    how: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
) -> Shown:
    """A new entry, pinned to the base, whose factors are the nearest of their rank to what changed between the two.

    how: rank or energy, targets (a pattern).
    """
    from adapterhub.compose.checkpoints.extract import extract as run

    desk.target(name)
    how = {key: value for key, value in how.items() if value is not None}
    found = run(folder_of_base(desk, base), folder_of_base(desk, tuned), progress=progress, **how)
    card, changed = card_for(desk, base), card_for(desk, tuned)
    base_add_card(desk, card)
    request = Request(
        pin=pin_of(card),
        cards=(card_bytes(card),),
        recipe={"method": "extract", "tuned": changed.weights_digest, **how},
    )
    with tempfile.TemporaryDirectory() as folder:
        _write(found, Path(folder))
        answer = add(desk, Path(folder), name, request)
    return answer.model_copy(
        update={
            "relative_error": found.relative_error,
            "errors": {module: one.relative_error for module, one in found.modules.items()},
            "findings": (*answer.findings, *_left_out(found)),
        }
    )


def _write(found: "Extraction", folder: Path) -> None:
    from adapterhub.formats.peft_write import Factors, write

    factors = {
        module: Factors(one.delta.A.numpy(), one.delta.B.numpy(), one.delta.form.kind)
        for module, one in found.modules.items()
    }
    turned = {"fan_in_fan_out": True} if any(one.turned for one in found.modules.values()) else {}
    write(factors, folder, fields=turned)


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

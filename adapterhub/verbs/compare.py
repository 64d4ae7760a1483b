"""`compare`: how alike adapters are, every pair of them, and what that means for merging them."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from adapterhub.errors import WrongUsage
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.operands import apart
from adapterhub.verbs.subject import Subject, subject

if TYPE_CHECKING:
    from adapterhub.audit.comparison import Comparison

__all__ = ["compare"]

Progress = Callable[[int, int], None]


def compare(desk: Desk, words: Iterable[str], progress: Progress | None = None) -> "Comparison":
    """Adapters against each other: references or folders, in any number from two on."""
    found = _found(desk, words)
    from adapterhub.audit.comparing.compare import compare as run
    from adapterhub.compose.merging.meet import meet
    from adapterhub.lora.load import load

    adapters = meet([load(one.entry, one.label) for one in found])
    compared = run({one.label: adapter for one, adapter in zip(found, adapters, strict=True)}, progress)
    rows = (row.model_copy(update={"digest": one.digest}) for row, one in zip(compared.adapters, found, strict=True))
    findings = (*apart(found, "adapters"), *compared.findings)
    return compared.model_copy(update={"adapters": tuple(rows), "findings": findings})


def _found(desk: Desk, words: Iterable[str]) -> list[Subject]:
    """Every adapter, found before anything is read; one that is named in several ways counts once."""
    found: dict[str, Subject] = {}
    for word in words:
        with subject(desk, word) as one:
            found.setdefault(one.label, one)
    if len(found) < 2:
        named = f"only {next(iter(found))}" if found else "none"
        raise WrongUsage(f"wanted two adapters or more, got {named}", hint="adapterhub compare ada/sql ada/chat")
    return list(found.values())

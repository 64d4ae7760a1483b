"""Does this adapter fit this base? Answered from headers and cards alone; no weight is read.

Tensors are compared one by one after the naming rules, so a saved prefix is no difference.
"""

from typing import Literal

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.checks import CHECKS
from adapterhub.audit.pair import Pair
from adapterhub.audit.report import BaseName, Mismatch, Report, Verdict
from adapterhub.base.card import Card, TensorRow
from adapterhub.base.names import Naming, match, transposed

__all__ = ["Report", "fit"]

Shape = tuple[int, ...]


def fit(adapter: Adapter, base: Card) -> Report:
    """The verdict, what it rests on, and everything found on the way."""
    naming = match(adapter.targets, base.weights, base.model_type)
    fits, mismatched = _shapes(adapter, base, naming)
    drifted = _drifted(adapter, base, naming, fits)
    pair = Pair(adapter, base, naming, fits, mismatched, drifted or ())
    return Report(
        adapter=adapter.name,
        digest=adapter.digest,
        base=BaseName.of(base),
        verdict=_verdict(adapter, fits, drifted),
        evidence=_evidence(adapter),
        naming=naming.rule,
        matched=len(fits),
        missing=naming.missing,
        drifted=pair.drifted,
        mismatched=mismatched,
        unexpected=pair.unexpected,
        findings=(*(found for check in CHECKS.values() for found in check.look(pair)), *adapter.facts.findings),
    )


def _shapes(adapter: Adapter, base: Card, naming: Naming) -> tuple[tuple[str, ...], tuple[Mismatch, ...]]:
    """The modules whose weight has the shape the adapter changes, and those whose weight has another."""
    fits, mismatched = [], []
    for module, name in naming.targets.items():
        wanted, got = adapter.targets[module].shape, base.weights[name].shape
        if transposed(name, base.model_type):
            got = got[::-1]
        # A model type nobody knows may store its weights transposed, and then the config says so.
        if wanted is None or wanted == got or (adapter.transposed and len(got) == 2 and wanted == got[::-1]):
            fits.append(module)
        else:
            mismatched.append(Mismatch(module=module, adapter=wanted, base=got))
    return tuple(fits), tuple(mismatched)


def _drifted(adapter: Adapter, base: Card, naming: Naming, fits: tuple[str, ...]) -> tuple[str, ...] | None:
    """The fitting modules whose bytes are not those recorded; None where nothing can be compared."""
    pin, recorded = adapter.pin, adapter.recorded
    if pin is None or pin.evidence != "bytes" or base.header_only:
        return None
    if pin.weights_digest == base.weights_digest:
        return ()
    if recorded is None or recorded.header_only:
        return None
    then = match(adapter.targets, recorded.weights, recorded.model_type).targets
    return tuple(
        module
        for module in fits
        if module not in then or not _same(recorded.weights[then[module]], base.weights[naming.targets[module]])
    )


def _same(one: TensorRow, other: TensorRow) -> bool:
    return (one.dtype, one.shape, one.sha256) == (other.dtype, other.shape, other.sha256)


def _verdict(adapter: Adapter, fits: tuple[str, ...], drifted: tuple[str, ...] | None) -> Verdict:
    if adapter.targets and not fits:
        return "misfit"
    if len(fits) < len(adapter.targets):
        return "partial"
    if drifted is None or not fits:
        return "unpinned"
    return "drifted" if drifted else "exact"


def _evidence(adapter: Adapter) -> Literal["bytes", "files", "revision", "name", "none"]:
    if adapter.pin:
        return adapter.pin.evidence
    return "name" if adapter.facts.base_name else "none"

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
    compared = _compared(adapter, base, naming, fits)
    pair = Pair(adapter, base, naming, fits, mismatched, compared[0] if compared else ())
    return Report(
        adapter=adapter.name,
        digest=adapter.digest,
        base=BaseName.of(base),
        verdict=_verdict(adapter, fits, compared),
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


def _compared(
    adapter: Adapter, base: Card, naming: Naming, fits: tuple[str, ...]
) -> tuple[tuple[str, ...], bool] | None:
    """The fitting modules whose values are not those recorded, and whether others are the same in another precision.

    None where nothing can be compared.
    """
    pin, recorded = adapter.pin, adapter.recorded
    if pin is None or pin.evidence != "bytes" or base.header_only:
        return None
    if pin.weights_digest == base.weights_digest:
        return (), False
    if recorded is None or recorded.header_only:
        return None
    then = match(adapter.targets, recorded.weights, recorded.model_type).targets
    pairs = {m: (recorded.weights[then[m]] if m in then else None, base.weights[naming.targets[m]]) for m in fits}
    cast = {module for module, (was, now) in pairs.items() if was and _is_cast(was, now)}
    drifted = tuple(m for m, (was, now) in pairs.items() if m not in cast and not (was and _same(was, now)))
    return drifted, bool(cast)


def _same(one: TensorRow, other: TensorRow) -> bool:
    return (one.dtype, one.shape, one.sha256) == (other.dtype, other.shape, other.sha256)


def _is_cast(one: TensorRow, other: TensorRow) -> bool:
    """Whether one tensor is the bf16 copy of the other."""
    differ = one.dtype != other.dtype and "BF16" in (one.dtype, other.dtype)
    return differ and one.shape == other.shape and one.as_bf16 is not None and one.as_bf16 == other.as_bf16


def _verdict(adapter: Adapter, fits: tuple[str, ...], compared: tuple[tuple[str, ...], bool] | None) -> Verdict:
    if adapter.targets and not fits:
        return "misfit"
    if len(fits) < len(adapter.targets):
        return "partial"
    if compared is None or not fits:
        return "unpinned"
    drifted, cast = compared
    return "drifted" if drifted else "cast" if cast else "exact"


def _evidence(adapter: Adapter) -> Literal["bytes", "files", "revision", "name", "none"]:
    if adapter.pin:
        return adapter.pin.evidence
    return "name" if adapter.facts.base_name else "none"

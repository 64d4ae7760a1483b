"""Does this adapter fit this base? Answered from headers and cards alone; no weight is read.

Tensors are compared one by one after the naming rules, so a saved prefix is no difference.
"""

from math import prod
from typing import Literal

from adapterhub.audit.adapter import Adapter, Target
from adapterhub.audit.checks.table import CHECKS
from adapterhub.audit.drift import Drift, drift
from adapterhub.audit.pair import Pair
from adapterhub.audit.report import BaseName, Mismatch, Report, Verdict
from adapterhub.base.card import Card
from adapterhub.base.find import Found, find
from adapterhub.base.weights import Weight
from adapterhub.formats.peft_tuner_shapes import UNSAID

__all__ = ["Report", "fit"]


def fit(adapter: Adapter, base: Card) -> Report:
    """The verdict, what it rests on, and everything found on the way."""
    found = find(adapter.targets, base)
    fits, mismatched = _shapes(adapter, found)
    compared = drift(adapter, base, found.weights, fits)
    pair = Pair(adapter, base, found, fits, mismatched, compared)
    report = Report(
        adapter=adapter.name,
        digest=adapter.digest,
        base=BaseName.of(base),
        verdict=_verdict(adapter, fits, compared),
        evidence=_evidence(adapter),
        naming=found.rule,
        matched=len(fits),
        missing=pair.naming.missing,
        drifted=pair.drifted,
        mismatched=mismatched,
        unexpected=pair.unexpected,
        findings=(*(found for check in CHECKS.values() for found in check.look(pair)), *adapter.facts.findings),
    )
    return report.with_fits(fits)


def _shapes(adapter: Adapter, found: Found) -> tuple[tuple[str, ...], tuple[Mismatch, ...]]:
    """The modules whose weight has the shape the adapter changes, and those whose weight has another."""
    fits, mismatched = [], []
    for module, weight in found.weights.items():
        target = adapter.targets[module]
        if target.shape is None or _agrees(adapter, target, weight):
            fits.append(module)
        else:
            shape = weight.shape if weight.shape is not None else (weight.count or 0,)
            mismatched.append(Mismatch(module=module, adapter=target.shape, base=shape))
    return tuple(fits), tuple(mismatched)


def _agrees(adapter: Adapter, target: Target, weight: Weight) -> bool:
    wanted, got = target.shape or (), weight.shape
    if got is None:
        return weight.count is None or UNSAID in wanted or weight.count == prod(wanted)
    if target.stacked and len(got) == 3:
        return got[0] == wanted[0] and sorted(got[1:]) == sorted(wanted[1:])
    if target.flat and len(got) > 2:
        got = (got[0], prod(got[1:]))
    # A model type nobody knows may store its weights transposed, and then the config says so.
    return _alike(wanted, got) or (adapter.transposed and len(got) == 2 and _alike(wanted, got[::-1]))


def _alike(wanted: tuple[int, ...], got: tuple[int, ...]) -> bool:
    """Whether all sizes that are said agree."""
    return len(wanted) == len(got) and all(one in (UNSAID, other) for one, other in zip(wanted, got, strict=True))


def _verdict(adapter: Adapter, fits: tuple[str, ...], compared: Drift) -> Verdict:
    if adapter.targets and not fits:
        return "misfit"
    if len(fits) < len(adapter.targets):
        return "partial"
    if not compared.told or not fits:
        return "unpinned"
    if compared.drifted:
        return "drifted"
    return "unpinned" if compared.uncompared else "cast" if compared.cast else "exact"


def _evidence(adapter: Adapter) -> Literal["bytes", "files", "revision", "name", "none"]:
    if adapter.pin:
        return adapter.pin.evidence
    return "name" if adapter.facts.base_name else "none"

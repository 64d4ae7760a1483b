"""What the audit looks for in values: one function and one line of the table each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import final

from adapterhub.audit.deep.outliers import Outlier, outliers
from adapterhub.audit.deep.twins import Twin
from adapterhub.audit.deep.values import Broken, Values
from adapterhub.base.fold import sentence
from adapterhub.finding import Finding, Severity

__all__ = ["CHECKS", "Depth"]

SMALL = 1 / 3
"""A finding says that an update has few directions where they are at most this part of its rank."""

MANY = 20
"""Findings of one check."""

UNMEASURED = "that nothing is said of these is no sign of health: evaluate it"


@final
@dataclass(frozen=True)
class Depth:
    """What there is to look at: an adapter's values, ‖W‖ of the base's weights by module, and what was found beside.

    `unsized` says in words of what there is no ‖W‖, and `untrained` whether it is known already that nothing was.
    """

    adapter: str
    base: str
    values: Values
    sizes: Mapping[str, float]
    unsized: tuple[str, ...] = ()
    twins: tuple[Twin, ...] = ()
    untrained: bool = False

    def relative(self, module: str, norm: float | None) -> float | None:
        """‖ΔW‖/‖W‖, if both can be told."""
        size = self.sizes.get(module)
        return norm / size if norm is not None and size else None


def not_finite(depth: Depth) -> Iterator[Finding]:
    """Tensors that hold NaN or infinity: one of them in a factor makes every output NaN."""
    for what, field in (("NaN", "nan"), ("infinity", "infinite")):
        counts = [(row, getattr(row, field)) for row in depth.values.broken if getattr(row, field)]
        if counts:
            yield _finding(
                "not-finite",
                "error",
                sentence((row.tensor for row, _ in counts), MANY),
                _holds(what, [row for row, _ in counts], sum(count for _, count in counts)),
                "its training diverged, or the file was damaged before it was added: take an earlier checkpoint",
            )


def _holds(what: str, rows: list[Broken], count: int) -> str:
    tensors = "1 tensor holds" if len(rows) == 1 else f"{len(rows)} tensors hold"
    return f"{tensors} {what}, in {count} of {sum(row.count for row in rows)} values"


def dead(depth: Depth) -> Iterator[Finding]:
    """Modules whose update is zero; that all are is a finding of the facts, where they can tell."""
    none, count = depth.values.dead, len(depth.values.updates)
    if not none or (len(none) == count and depth.untrained):
        return
    if len(none) == count:
        message = f"the updates of all {count} modules are zero: the adapter changes no weight"
        remedy = "look for a later checkpoint, and at alpha: a scale of 0 undoes any training"
    else:
        message = f"{len(none)} of {count} modules change nothing: their update is zero"
        remedy = "training never reached them: leave them out of target_modules, or find out why"
    severity: Severity = "warning" if len(none) == count else "info"
    yield _finding("dead-module", severity, sentence(none, MANY), message, remedy)


def effective_rank(depth: Depth) -> Iterator[Finding]:
    """Far fewer directions than the rank has room for."""
    rows = [(one.rank, one.directions) for one in depth.values.updates if one.directions]
    ranks, used = sum(rank for rank, _ in rows), sum(count for _, count in rows)
    if rows and used <= SMALL * ranks:
        message = f"99 % of what it changes lies in {used} of the {ranks} directions of its {len(rows)} modules"
        remedy = f"it can be made smaller: `adapterhub merge {depth.adapter} NAME --method svd --energy 0.99`"
        yield _finding("effective-rank", "info", "adapter", message, remedy)


def outlier(depth: Depth) -> Iterator[Finding]:
    """Updates that are far larger or smaller than those of the same kind of module in other layers."""
    norms = {one.module: one.norm for one in depth.values.updates if one.norm}
    sizes = {module: size for module, norm in norms.items() if (size := depth.relative(module, norm)) is not None}
    what = "‖ΔW‖/‖W‖" if sizes else "‖ΔW‖"
    found = outliers(sizes or norms)
    larger, smaller = ([one for one in found if (one.size > one.usual) is up] for up in (True, False))
    if larger:
        yield _finding(
            "outlier-update",
            "warning",
            sentence((one.module for one in larger), MANY),
            f"{what} is {_times(one.size / one.usual for one in larger)} times the median of the same module in other "
            f"layers{_numbers(larger)}",
            "its training may have diverged there: evaluate it, and compare it with an earlier checkpoint",
        )
    if smaller:
        yield _finding(
            "outlier-update",
            "info",
            sentence((one.module for one in smaller), MANY),
            f"{what} is {_times(one.usual / one.size for one in smaller)} times below the median of the same module in "
            f"other layers{_numbers(smaller)}",
            "training hardly reached it there",
        )


def _times(ratios: Iterable[float]) -> str:
    low, *_, high = sorted([*(found := list(ratios)), found[0]])
    return f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"


def _numbers(found: list[Outlier]) -> str:
    return f": {found[0].size:.3g}, the median is {found[0].usual:.3g}" if len(found) == 1 else ""


def duplicate(depth: Depth) -> Iterator[Finding]:
    """Other entries that do the same."""
    kinds: dict[str, list[str]] = {}
    for twin in depth.twins:
        kinds.setdefault(_related(twin.times), []).append(twin.reference)
    for message, names in kinds.items():
        more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
        keep = "keep one of them" if message.startswith("the same") else "a weight in an expression does that too"
        yield _finding("duplicate", "info", ", ".join(names[:MANY]) + more, message, keep)


def _related(times: float | None) -> str:
    if times is None:
        return "the same files"
    if times == 1:
        return "the same update in other factors"
    return "the opposite update" if abs(times + 1) < 0.01 else f"this is {times:.4g} times that update"


def not_measured(depth: Depth) -> Iterator[Finding]:
    """What was not looked at, so that nobody takes silence for health."""
    values = depth.values
    if values.unread:
        message = f"only single values were looked at, nothing was measured: {values.unread}"
        yield _finding("not-measured", "info", "adapter", message, UNMEASURED)
    if values.left_out:
        message = f"not measured: {'; '.join(values.left_out)}"
        yield _finding("not-measured", "info", "adapter", message, UNMEASURED)
    if depth.unsized and any(one.norm for one in values.updates):
        message = f"‖ΔW‖ was not held against ‖W‖: {'; '.join(depth.unsized)}"
        yield _finding("not-measured", "info", depth.base, message, "give the base as a folder of plain weights")


def _finding(check: str, severity: Severity, place: str, message: str, remedy: str) -> Finding:
    return Finding(check=check, severity=severity, place=place, message=message, remedy=remedy)


CHECKS: dict[str, tuple[str, Callable[[Depth], Iterator[Finding]]]] = {
    "not-finite": ("Is every value a number?", not_finite),
    "dead-module": ("Does every module change anything?", dead),
    "effective-rank": ("Does it need its rank?", effective_rank),
    "outlier-update": ("Is every update about as large as its like?", outlier),
    "duplicate": ("Does another entry do the same?", duplicate),
    "not-measured": ("What was not looked at?", not_measured),
}

"""What was composed, or would be, for people: plans, merges, fused checkpoints."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from adapterhub.base.fold import fold, sentence
from adapterhub.cli.learned import metric_lines, print_worth
from adapterhub.cli.output import print_findings, say
from adapterhub.cli.sheet import print_entry
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean
from adapterhub.readable import short, size

if TYPE_CHECKING:
    from adapterhub.verbs.extract import ExtractPlan
    from adapterhub.verbs.fuse import Fused, FusePlan
    from adapterhub.verbs.merge_plan import MergePlan
    from adapterhub.verbs.merge_worth import Merged
    from adapterhub.verbs.shown import Shown

__all__ = [
    "print_extract_plan",
    "print_fuse_plan",
    "print_fused",
    "print_measured",
    "print_merged",
    "print_plan",
]

OPERANDS = (Column("REFERENCE", keep=20), Column("WEIGHT", right=True), Column("RANK", right=True))
MODULES = (
    Column("MODULES", keep=24), Column("SHAPE", right=True), Column("METHOD"), Column("RANKS", right=True),
    Column("RANK", right=True),
)  # fmt: skip
TENSORS = (
    Column("TENSORS", keep=24), Column("SHAPE", right=True), Column("DTYPE"), Column("RANK", right=True),
)  # fmt: skip
WEIGHTS = (Column("MODULES", keep=24), Column("SHAPE", right=True), Column("RANK", right=True))
WORST = 3
TOLD = 1e-5
"""Errors below this are rounding, and not worth a line for each module."""


def print_plan(plan: "MergePlan") -> None:
    """What a merge would do, modules that are alike on one line."""
    _print_operands(plan.operands)
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in plan.modules:
        ranks = " + ".join(map(str, one.ranks))
        alike.setdefault((f"{one.shape[0]}×{one.shape[1]}", one.method, ranks, str(one.rank)), []).append(one.module)
    print_table(MODULES, [[name, *rest] for rest, modules in alike.items() for name in fold(modules)])
    print()
    told = f"exact but for one rounding into fp32 ({plan.expected_error or 0:.0e})"
    print(
        f"{_count(len(plan.modules), 'module')}, rank {plan.rank}, {size(4 * plan.parameters)} at most; nothing was "
        f"written\n{_cost(plan)}; {told if plan.exact else 'what the cut loses is known when it is computed'}"
    )
    print_findings(plan.findings, indent="  ")


def print_measured(merged: "Merged") -> None:
    """The same of a merge, and its metrics before and after where there were rows."""
    _print_made(merged)
    if merged.before:
        print_worth(merged.before, merged.after)
    else:
        for label, told in metric_lines(merged.after):
            if told:
                print(f"  {label:12}{clean(told)}")
    print_findings(merged.findings, indent="  ")


def print_merged(shown: "Shown") -> None:
    """A new entry, what was lost on the way, and where most of it."""
    _print_made(shown)
    print_findings(shown.findings, indent="  ")


def _print_made(shown: "Shown") -> None:
    print_entry(shown)
    print(f"  relative error {shown.relative_error or 0.0:.2e}")
    worst = sorted(shown.errors.items(), key=lambda item: -item[1])[:WORST]
    for module, error in worst if len(shown.errors) > 1 else ():
        if error > TOLD:
            print(f"    {error:.2e}  {clean(module)}")


def print_fuse_plan(plan: "FusePlan") -> None:
    """What a fuse would do, tensors that are alike on one line."""
    _print_operands(plan.operands)
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in plan.tensors:
        alike.setdefault((f"{one.shape[0]}×{one.shape[1]}", one.dtype, str(one.rank)), []).append(one.tensor)
    print_table(TENSORS, [[name, *rest] for rest, tensors in alike.items() for name in fold(tensors)])
    print()
    new = f", {len(plan.added)} new" if plan.added else ""
    print(f"{len(plan.tensors)} tensors change{new}, {plan.copied} stay, {size(plan.bytes)}; nothing was written")
    print(f"{_cost(plan)}; each number is rounded once, by {plan.rounding:.0e} of it at most")
    for note in plan.notes:
        say(f"note: {clean(note)}")
    print_findings(plan.findings, indent="  ")


def print_extract_plan(plan: "ExtractPlan") -> None:
    """What an extraction would compare, modules that are alike on one line."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in plan.modules:
        rank = "" if one.rank is None else str(one.rank)
        alike.setdefault((f"{one.shape[0]}×{one.shape[1]}", rank), []).append(one.module)
    print_table(WEIGHTS, [[name, *rest] for rest, modules in alike.items() for name in fold(modules)])
    print()
    most = f"energy {plan.energy:g}" if plan.writes is None else f"{size(plan.writes)} at most"
    print(
        f"{_count(len(plan.modules), 'module')} to compare, {most}; what does not differ is left out; nothing was "
        f"written\n{size(plan.reads)} to read, about {size(plan.memory)} of memory; the error is known when computed"
    )
    reasons: dict[str, list[str]] = {}
    for tensor, why in plan.left_out.items():
        reasons.setdefault(why.partition(":")[0], []).append(tensor)
    for why, tensors in reasons.items():
        say(f"note: {clean(sentence(tensors))}: not taken where it differs: {clean(why)}")
    print_findings(plan.findings, indent="  ")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _cost(plan: "MergePlan | FusePlan") -> str:
    flops = f"{size(plan.flops).removesuffix('B')}FLOP"
    return f"about {flops}, {size(plan.reads)} to read, {size(plan.memory)} of memory"


def _print_operands(operands: "Iterable[dict[str, object]]") -> None:
    print_table(OPERANDS, [[str(row.get(key, "")) for key in ("reference", "weight", "rank")] for row in operands])
    print()


def print_fused(fused: "Fused") -> None:
    """Where a checkpoint was written, and what changed in it."""
    print(
        f"{clean(fused.folder)}  {size(fused.bytes)}: {len(fused.touched)} tensors changed, {fused.copied} as they were"
    )
    if fused.reference:
        print(f"{clean(fused.reference)}  {short(fused.digest)}")
    for note in fused.notes:
        say(f"note: {clean(note)}")

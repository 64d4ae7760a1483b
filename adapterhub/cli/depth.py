"""What `audit --deep` measured, for people: a row for modules whose names differ in numbers alone."""

from collections.abc import Iterable
from statistics import median
from typing import TYPE_CHECKING

from adapterhub.base.fold import brief
from adapterhub.cli.table import Column, print_table

if TYPE_CHECKING:
    from adapterhub.audit.report import Deep, Measured

__all__ = ["print_depth"]

COLUMNS = (
    Column("UPDATES", keep=24), Column("", right=True), Column("RANK", right=True), Column("EFFECTIVE", right=True),
    Column("‖ΔW‖", right=True), Column("‖ΔW‖/‖W‖", right=True),
)  # fmt: skip


def print_depth(deep: "Deep") -> None:
    """A median, and in brackets the smallest and the largest where they differ."""
    rows = {measured.module: measured for measured in deep.modules}
    kinds: dict[str, list[Measured]] = {}
    for module, measured in rows.items():
        kinds.setdefault("".join(letter for letter in module if not letter.isdigit()), []).append(measured)
    print_table(COLUMNS, [_row(kind) for kind in kinds.values()], indent="  ")


def _row(kind: "list[Measured]") -> list[str]:
    names = brief(one.module for one in kind)
    return [
        names[0] if len(names) == 1 else f"{names[0]} …",
        str(len(kind)),
        _span(one.rank for one in kind),
        _span(one.effective_rank for one in kind),
        _span(one.norm for one in kind),
        _span(one.relative_norm for one in kind),
    ]


def _span(numbers: "Iterable[float | None]") -> str:
    found = sorted(number for number in numbers if number is not None)
    if not found:
        return ""
    low, middle, high = (f"{number:.3g}" for number in (found[0], median(found), found[-1]))
    return middle if low == high else f"{middle} ({low}–{high})"

"""Bases for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapterhub.cli.output import say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean, short

if TYPE_CHECKING:
    from adapterhub.verbs.bases import BaseDiff, BaseShown

__all__ = ["print_base", "print_bases", "print_difference"]

BASES = (
    Column("NAME", keep=12, yields=2), Column("TYPE", keep=6), Column("TENSORS", right=True), Column("LAYOUT"),
    Column("WEIGHTS"), Column("SOURCE", keep=8, yields=1),
)  # fmt: skip


def print_bases(bases: "Sequence[BaseShown]") -> None:
    """A table of bases."""
    if bases:
        print_table(BASES, [_row(base) for base in bases])
    else:
        say("no base is known here; `adapterhub base add ./model` adds one")


def _row(base: "BaseShown") -> list[str]:
    weights = short(base.weights_digest) if base.weights_digest else "not hashed"
    layout, source = short(base.layout_digest), base.source or ""
    return [base.name, base.model_type or "", str(base.tensors), layout, weights, source]


def print_base(base: "BaseShown") -> None:
    """One base."""
    print(clean(base.name))
    for label, value in (
        ("source", base.source or ""),
        ("type", base.model_type or ""),
        ("tensors", f"{base.tensors} with {base.parameters:,} parameters"),
        ("layout", base.layout_digest),
        ("weights", base.weights_digest or "not hashed"),
        ("card", base.card),
    ):
        if value:
            print(f"{label:<9}{clean(value)}")  # so that a digest fits a terminal of 80 columns


def print_difference(found: "BaseDiff") -> None:
    """Which tensors of two bases differ."""
    one, other = clean(found.a), clean(found.b)
    for title, names in (
        (f"only in {one}", found.only_a),
        (f"only in {other}", found.only_b),
        ("another shape", found.reshaped),
        ("other values", found.changed),
    ):
        for name in names:
            print(f"{title}  {clean(name)}")
    print(f"{one} and {other} share {found.same} tensors")

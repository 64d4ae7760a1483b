"""Bases for people."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from adapterhub.base.fold import fold, folded
from adapterhub.cli.output import say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean
from adapterhub.readable import count, short

if TYPE_CHECKING:
    from adapterhub.verbs.base_diff import BaseDiff
    from adapterhub.verbs.base_shown import BaseShown

__all__ = ["print_base", "print_bases", "print_difference"]

FILES = 4
"""Files of a base that are named; the card has all."""

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
    source = f"gone: {base.source}" if base.gone else base.source or ""
    return [base.name, base.model_type or "", str(base.tensors), short(base.layout_digest), _weights(base), source]


def _weights(base: "BaseShown") -> str:
    return short(base.weights_digest) if base.weights_digest else "by files" if base.files else "not hashed"


def print_base(base: "BaseShown") -> None:
    """One base."""
    print(clean(base.name))
    types = ", ".join(sorted(base.dtypes, key=lambda dtype: -base.dtypes[dtype]))
    unread = "known by its files" if base.files else "not hashed"
    for label, value in (
        ("source", base.source or ""),
        ("", "it lies there no more" if base.gone else ""),
        ("type", base.model_type or ""),
        ("tensors", f"{base.tensors} with {base.parameters:,} parameters{f', in {types}' if types else ''}"),
        ("layout", base.layout_digest),
        ("weights", base.weights_digest or unread),
        *(("file", f"{short(digest)}  {name}") for name, digest in [*base.files.items()][:FILES]),
        ("", f"and {count(more, 'file')} more" if (more := len(base.files) - FILES) > 0 else ""),
        ("card", base.card),
        ("", f"the same base was called {base.formerly} here until now" if base.formerly else ""),
    ):
        if value:
            print(f"{label:<9}{clean(value)}")  # so that a digest fits a terminal of 80 columns


DISTANCES = (
    Column("CHANGED", keep=20, yields=1, front=True),
    Column("TENSORS", right=True),
    Column("RELATIVE", right=True),
    Column("LARGEST", right=True),
    Column("", keep=0),
)


def print_difference(found: "BaseDiff") -> None:
    """Which tensors of two bases differ, and how far."""
    one, other = clean(found.a), clean(found.b)
    for title, names in (
        (f"only in {one}", found.only_a),
        (f"only in {other}", found.only_b),
        ("another shape", found.reshaped),
        ("no digest to compare", found.untold),
    ):
        for name in fold(names):
            print(f"{title}  {clean(name)}")
    if found.changed or found.distances:
        print_table(DISTANCES, [*_distances(found), *_together(found)])
    named = "" if found.naming == "identity" else f", under the rule: {clean(found.naming)}"
    print(f"{one} and {other} share {found.same} tensors{named}")
    if found.changed and not found.distances:
        say("how far they differ is told where both lie on this machine")


def _distances(found: "BaseDiff") -> Iterator[list[str]]:
    """The changed tensors, those of all layers in one row."""
    apart = {row.tensor: row for row in found.distances}
    for line, names in folded([*found.changed, *(name for name in apart if name in found.untold)]).items():
        rows = [apart[name] for name in names if name in apart]
        cast = "bf16 copy" if rows and all(row.cast for row in rows) else ""
        told = (_range([row.relative for row in rows]), _range([row.largest for row in rows]))
        yield [line, str(len(names)), *told, cast]


def _together(found: "BaseDiff") -> list[list[str]]:
    if len(found.distances) < 2:
        return []
    whole = (_range([found.relative]), _range([found.largest]))
    return [["together", str(len(found.distances)), *whole, ""]]


def _range(values: Sequence[float | None]) -> str:
    """The least and the largest of some values, or the one; nothing for what is no number."""
    known = [value for value in values if value is not None]
    return "–".join(dict.fromkeys(f"{value:.2g}" for value in (min(known), max(known)))) if known else ""

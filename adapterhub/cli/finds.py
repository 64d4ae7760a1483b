"""What a scan found, for people."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapterhub.cli.output import print_findings, say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean
from adapterhub.reference import home_path

if TYPE_CHECKING:
    from adapterhub.verbs.scan import Scanned

__all__ = ["print_scanned", "say_added", "worst"]

SCANNED = (
    Column("PATH", keep=20, yields=6, front=True), Column("FORMAT", yields=3, keep=6), Column("TYPE", keep=4, yields=2),
    Column("RANK", right=True), Column("BASE", keep=12, yields=1, front=True), Column("HEALTH"),
    Column("IN STORE AS", keep=16, yields=5, front=True), Column("SAME AS", keep=8, yields=4, front=True),
)  # fmt: skip
FAILED = {3: "incomplete", 4: "without a name", 5: "damaged", 7: "refused", 8: "unreachable", 9: "with a taken name"}
"""What the exit code of an error means for an adapter that was found."""


def print_scanned(found: "Sequence[Scanned]", roots: Sequence[str]) -> None:
    """The rows of `scan`, their paths below the folder that was scanned; what is broken says why below the table."""
    if not found:
        say("no adapter found")
        return
    below = _below(found, roots)
    print_table(SCANNED, [_row(row, below) for row in found])
    for row in found:
        if row.findings:
            print(f"\n{clean(row.path)}")
            print_findings(row.findings, indent="  ")


def _below(found: "Sequence[Scanned]", roots: Sequence[str]) -> dict[str, str]:
    """Each path as it is seen from the one folder that was scanned; from several, as it is."""
    if len(roots) > 1:
        return {row.path: row.path for row in found}
    below = {row.path: os.path.relpath(row.path, home_path(roots[0])) for row in found}
    return {path: path if short == "." else short for path, short in below.items()}


def _row(row: "Scanned", below: dict[str, str]) -> list[str]:
    facts = row.facts
    more = f" +{len(row.duplicates) - 1}" if len(row.duplicates) > 1 else ""
    return [
        below[row.path],
        facts.format,
        facts.type or (facts.kind if facts.kind != "adapter" else ""),
        "" if facts.rank is None else str(facts.rank),
        facts.base_name or "",
        row.health,
        row.reference,
        f"{below[row.duplicates[0]]}{more}" if row.duplicates else "",
    ]


def say_added(found: "Sequence[Scanned]", known: int) -> None:
    """How many became entries, how many were entries already, and why the others did not."""
    failed = Counter(FAILED.get(row.code, "failed") for row in found if row.code)
    added = len(found) - failed.total() - known
    there = f", {known} in the store already" if known else ""
    kinds = ", ".join(f"{count} {what}" for what, count in failed.most_common())
    say(f"{added} added{there}, {failed.total()} not" + (f": {kinds}; their findings say why" if kinds else ""))


def worst(found: "Sequence[Scanned]") -> int:
    """The exit code of what could not be added, the highest of several."""
    return max((row.code for row in found), default=0)

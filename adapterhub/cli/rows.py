"""Lists of entries, for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from adapterhub.cli.output import print_findings, say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean, short

if TYPE_CHECKING:
    from adapterhub.facts import Facts
    from adapterhub.registry import Listed
    from adapterhub.store.summary import Summary
    from adapterhub.verbs.scan import Scanned

__all__ = ["named", "print_found", "print_listed", "print_scanned"]

LISTED = (
    Column("REFERENCE", keep=20, yields=5), Column("ALIASES", keep=7, yields=3), Column("TYPE", keep=5, yields=2),
    Column("RANK", right=True), Column("BASE", keep=12), Column("ADDED", keep=0, yields=1),
    Column("DIGEST", keep=0, yields=4),
)  # fmt: skip
SCANNED = (
    Column("PATH", keep=20, yields=5), Column("FORMAT", keep=6, yields=3), Column("TYPE", keep=5, yields=2),
    Column("RANK", right=True), Column("BASE", keep=12), Column("HEALTH"),
    Column("IN STORE AS", keep=11, yields=4), Column("SAME AS", keep=8, yields=1),
)  # fmt: skip


def print_found(found: "Sequence[dict[str, Any]]") -> None:
    """The rows of `search`, which come from the index as plain data."""
    from adapterhub.store.summary import Summary

    if found:
        print_listed([Summary.model_validate(row) for row in found])
    else:
        say("nothing is like that")


def named(listed: "Listed") -> dict[str, str]:
    """The name and the digest of a version, as plain data."""
    return {"reference": str(listed.reference), "digest": str(listed.digest)}


def print_listed(listed: "Sequence[Summary]") -> None:
    """The rows of `list`."""
    if listed:
        print_table(LISTED, [_listed(row) for row in listed])
    else:
        say("there is nothing yet; `adapterhub add FOLDER namespace/name` puts an adapter in")


def _listed(row: "Summary") -> list[str]:
    facts = row.facts
    return [row.reference, ", ".join(row.aliases), *_kind(facts), row.base_name, row.time[:10], short(row.digest)]


def _kind(facts: "Facts") -> list[str]:
    """Type and rank: what tells one adapter from another at a glance."""
    word = facts.kind if facts.kind != "adapter" else ""
    return [facts.type or word, "" if facts.rank is None else str(facts.rank)]


def print_scanned(found: "Sequence[Scanned]") -> None:
    """The rows of `scan`; what is broken says why below the table."""
    if not found:
        say("no adapter found")
        return
    print_table(SCANNED, [_scanned(row) for row in found])
    for row in found:
        if row.findings:
            print(f"\n{clean(row.path)}")
            print_findings(row.findings, indent="  ")


def _scanned(row: "Scanned") -> list[str]:
    return [
        row.path,
        row.facts.format,
        *_kind(row.facts),
        row.facts.base_name or "",
        row.health,
        row.reference,
        ", ".join(row.duplicates),
    ]

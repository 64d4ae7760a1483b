"""Lists of entries, for people."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from adapterhub.cli.output import say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import cut
from adapterhub.readable import count, short

if TYPE_CHECKING:
    from adapterhub.facts import Facts
    from adapterhub.hub import Hub
    from adapterhub.registry import Listed
    from adapterhub.store.summary import Summary

__all__ = ["named", "print_found", "print_listed", "printer"]

LISTED = (
    Column("REFERENCE", keep=20, yields=5), Column("ALIASES", keep=7, yields=3), Column("TYPE", keep=5, yields=2),
    Column("RANK", right=True), Column("BASE", keep=12), Column("ADDED", keep=0, yields=1),
    Column("DIGEST", keep=0, yields=4), Column("UNREADABLE", keep=10, yields=6),
)  # fmt: skip

NOTHING = "there is nothing yet; `adapterhub add FOLDER namespace/name` puts an adapter in"
PLACE = re.compile(r"([^ ]*/[^ ]*: |manifest [^ ]+: )+")
DIGEST = re.compile(r"sha256:([0-9a-f]{12})[0-9a-f]{52}")


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


@runtime_checkable
class Hiding(Protocol):
    """A registry that may show some entries to others only; `hidden` says to whom, and how one becomes one of them."""

    @property
    def hidden(self) -> str: ...


def printer(hub: "Hub", remote: str | None) -> "Callable[[Sequence[Summary]], None]":
    """How the rows of `list` are printed; that a remote shows nothing may be for want of a token."""
    if remote is None:
        return print_listed

    def print_there(listed: "Sequence[Summary]") -> None:
        there = None if listed else hub.desk.remote(remote)
        hidden = f"; {there.hidden}" if isinstance(there, Hiding) else ""
        print_listed(listed, f"there is nothing in {remote}{hidden}")

    return print_there


def print_listed(listed: "Sequence[Summary]", nothing: str = NOTHING) -> None:
    """The rows of `list`, or what is said where there are none."""
    if listed:
        print_table(LISTED, [_listed(row) for row in listed])
    else:
        say(nothing)
    if unread := sum(bool(row.unreadable) for row in listed):
        say(f"{count(unread, 'version')} cannot be read: `adapterhub check` says more")


def _listed(row: "Summary") -> list[str]:
    facts = row.facts
    aliases, reason = ", ".join(row.aliases), _reason(row.unreadable)
    return [row.reference, aliases, *_kind(facts), row.base_name, row.time[:10], short(row.digest), reason]


def _reason(error: str) -> str:
    """The short form of an error: without the place it begins with, which the row tells.

    >>> _reason("/srv/store/names/ada/poet/versions/1: not a version's file (KeyError: 'digest')")
    "not a version's file (KeyError: 'digest')"
    """
    return cut(DIGEST.sub(r"\1", PLACE.sub("", error)), 48)


def _kind(facts: "Facts") -> list[str]:
    """Type and rank: what tells one adapter from another at a glance."""
    word = facts.kind if facts.kind != "adapter" else ""
    return [facts.type or word, "" if facts.rank is None else str(facts.rank)]

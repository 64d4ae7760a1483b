"""The list: the newest version of each adapter, the latest published first, a page at a time."""

from dataclasses import dataclass
from typing import Any, final

from adapterhub.reference import parse
from adapterhub.server.access import Caller
from adapterhub.store.index.newest import Found, newest
from adapterhub.store.summary import Summary
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_list import Asked, after, alternatives
from adapterhub.verbs.hub_list import cursor as cursor_of

__all__ = ["FILTERS", "Line", "found"]

ROWS = 50
FILTERS = ("base", "target", "namespace", "tag")


@final
@dataclass(frozen=True)
class Line:
    """An adapter in the list."""

    name: str
    version: str
    private: bool
    summary: Summary

    @classmethod
    def of(cls, found: Found) -> "Line":
        """The line of what the index has found."""
        summary = Summary.model_validate(found.summary)
        return cls(found.adapter, parse(summary.reference).pin or "", not found.public, summary)


def found(desk: Desk, who: Caller, question: dict[str, str], cursor: str) -> dict[str, Any]:
    """What the template of the list shows: lines, and where the next page begins ("" after the last)."""
    asked = Asked(
        text=question["q"],
        author=question["namespace"],
        words=alternatives([question["tag"]]),
        base=question["base"],
        target=question["target"],
        namespaces=who.sees,
        limit=ROWS + 1,
        after=after(cursor),
    )
    rows = newest(desk.store, asked)
    return {
        "lines": [Line.of(row) for row in rows[:ROWS]],
        "next": cursor_of(rows[ROWS - 1]) if len(rows) > ROWS else "",
        "question": question,
        "filters": FILTERS,
        "further": bool(cursor),
    }

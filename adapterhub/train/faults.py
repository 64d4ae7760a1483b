"""What is wrong with many rows, told as one error: who corrects one file at a time begins again for each."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from adapterhub.errors import AdapterHubError

__all__ = ["of_each"]

NAMED = 8
"""Rows an error names, at most."""

AT_ONCE = 4096
"""Rows that wait for a thread, at most."""

One = TypeVar("One")
Made = TypeVar("Made")


def of_each(deed: Callable[[One], Made], things: Sequence[One], *, threads: bool = True) -> list[Made]:
    """What a deed makes of each thing, in their order; where it raises errors of ours, one that names the first eight.

    threads: whether the deed may run in several at once, one for each core.
    """

    def tried(one: One) -> Made | AdapterHubError:
        try:
            return deed(one)
        except AdapterHubError as error:
            return error

    found: list[Made | AdapterHubError] = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(things), AT_ONCE):
            found += (pool.map if threads else map)(tried, things[start : start + AT_ONCE])
    if faults := [one for one in found if isinstance(one, AdapterHubError)]:
        raise _as_one(faults, len(things))
    return [one for one in found if not isinstance(one, AdapterHubError)]


def _as_one(faults: Sequence[AdapterHubError], count: int) -> AdapterHubError:
    first = faults[0]
    if len(faults) == 1:
        return first
    told = "; ".join(map(str, faults[:NAMED])) + ("; …" if len(faults) > NAMED else "")
    return type(first)(f"{len(faults)} of {count} rows: {told}", hint=first.hint)

"""Another entry that does the same: what it is called, and how the two are related."""

from typing import NamedTuple

__all__ = ["Twin"]


class Twin(NamedTuple):
    """`times`: how many times the other's update this one is; None where both have the same files."""

    reference: str
    times: float | None = None

"""How large everything is: in full as the page says, or tiny where only the plumbing is tried."""

from dataclasses import dataclass

__all__ = ["NAMES", "Sizes"]

NAMES = ("load", "throughput", "snapshots", "questions")
"""The parts of serving, in the order of the page."""


@dataclass(frozen=True)
class Sizes:
    """Every number that decides how long a part takes."""

    pulls: int = 64
    """Clients that pull at once."""
    pushes: int = 16
    """Clients that push at the same time."""
    seconds: float = 60.0
    """Of the load."""
    size: int = 100_000_000
    """Bytes of an adapter that is pulled."""
    several: int = 4
    """Adapters the clients of the load choose from."""
    pushed: int = 4_000_000
    """Bytes of an adapter that is pushed."""
    runs: int = 5
    """Runs of which the median counts."""
    entries: int = 100_000
    """Adapters of the store that is asked questions."""
    asked: int = 200
    """Requests of a kind, at most, by one client; sixteen clients send twice as many."""

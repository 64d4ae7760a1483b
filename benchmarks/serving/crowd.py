"""Many clients in the threads of one process, for a while or for so many deeds each; and what they saw."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Seen", "at_once", "until"]


@dataclass
class Seen:
    """Seconds of each deed, the bytes that went within the time, what failed, and seconds of this process's threads."""

    took: list[float] = field(default_factory=list)
    bytes: int = 0
    errors: list[str] = field(default_factory=list)
    hashing: float = 0.0
    processor: float = 0.0

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def at_once(count: int, client: Callable[[int, Seen], None]) -> Seen:
    """Let so many clients, by their number, do something at the same time; what all of them saw."""
    before = time.process_time()
    each = [Seen() for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(client, range(count), each))
    return Seen(
        [second for one in each for second in one.took],
        sum(one.bytes for one in each),
        [error for one in each for error in one.errors],
        sum(one.hashing for one in each),
        time.process_time() - before,
    )


def until(end: float, seen: Seen, deed: Callable[[int], None]) -> None:
    """Do it again and again until `end`, by time.time(); what has begun is finished, what fails is told and counted."""
    number = 0
    while time.time() < end:
        begun = time.perf_counter()
        try:
            deed(number)
        except Exception as error:
            seen.errors.append(f"{type(error).__name__}: {error}"[:300])
        else:
            seen.took.append(time.perf_counter() - begun)
        number += 1

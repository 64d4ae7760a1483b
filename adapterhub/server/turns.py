"""Long work in turns: so much of it at once, of one caller less, and in threads that answer nobody else.

So whoever asks for much waits for himself, and reads go on meanwhile.
"""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, final
from weakref import WeakValueDictionary

from anyio import CapacityLimiter, to_thread

__all__ = ["Turns"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@final
class Turns:
    """Work of one kind: `most` at once in all, `each` of one caller."""

    def __init__(self, most: int, each: int) -> None:
        self._all, self._each = CapacityLimiter(most), each
        self._own = WeakValueDictionary[str, CapacityLimiter]()

    async def run(self, who: str, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Do it in a thread as soon as it is this caller's turn."""
        own = self._own.get(who) or self._own.setdefault(who, CapacityLimiter(self._each))
        async with own:
            return await to_thread.run_sync(work, *args, limiter=self._all)

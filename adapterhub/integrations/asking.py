"""Questions to a registry that may hang, asked where somebody waits for the answer."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from typing import TypeVar, final

from adapterhub.errors import Unreachable

__all__ = ["AWAY", "PATIENCE", "Asking"]

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds an answer may take. A Hub that is not ours is read for some of them."""

AWAY = 30.0
"""Seconds for which one that did not answer is not asked again."""

QUESTIONS = 8
"""Threads that ask; those that hang end when their connections do."""


@final
class Asking:
    """Asks in threads of its own, and remembers for a while that nothing answered."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(QUESTIONS, "adapterhub-asking")
        self._until, self._why = 0.0, ""

    def ask(self, question: Callable[[], T]) -> T:
        """The answer; `Unreachable` where there is none in time, or was none a moment ago."""
        if (left := self._until - time.monotonic()) > 0:
            raise Unreachable(f"{self._why}; it is asked again in {left:.0f} seconds", hint="is the server running?")
        asked = self._threads.submit(question)
        try:
            return asked.result(PATIENCE)
        except TooLong:
            asked.cancel()
            raise self._away(f"no answer in {PATIENCE:g} seconds") from None
        except Unreachable as error:
            raise self._away(str(error)) from None

    def _away(self, why: str) -> Unreachable:
        self._until, self._why = time.monotonic() + AWAY, why
        return Unreachable(why, hint="is the server running?")

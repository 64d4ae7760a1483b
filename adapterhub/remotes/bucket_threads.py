"""Threads for the requests to a bucket. While a request waits for its server nothing of Python runs in its thread, an
interruption neither. So the main thread lets another one ask; and nobody waits for these threads when a program ends.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar, final

__all__ = ["Threads"]

R = TypeVar("R")
T = TypeVar("T")


@final
class Threads:
    """So many at most, as long as there is work. What runs in them waits for nobody else in them."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._lock = threading.Lock()
        self._work = deque[Callable[[], None]]()

    def submit(self, work: Callable[[], R]) -> "Future[R]":
        """Let one of them do it."""
        promise: Future[R] = Future()
        with self._lock:
            self._work.append(lambda: _keep(promise, work))
            begin = self._free > 0
            self._free -= begin
        if begin:
            threading.Thread(target=self._serve, daemon=True).start()
        return promise

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """The work's answers for all items, several at once."""
        promises = [self.submit(lambda item=item: work(item)) for item in items]  # type: ignore[misc]
        return [promise.result() for promise in promises]

    def ask(self, work: Callable[[], R]) -> R:
        """Do it so that the caller can be interrupted."""
        main = threading.current_thread() is threading.main_thread()
        return self.submit(work).result() if main else work()

    def _serve(self) -> None:
        while True:
            with self._lock:
                if not self._work:
                    self._free += 1
                    return
                work = self._work.popleft()
            work()


def _keep(promise: "Future[Any]", work: Callable[[], Any]) -> None:
    try:
        promise.set_result(work())
    except BaseException as error:
        promise.set_exception(error)

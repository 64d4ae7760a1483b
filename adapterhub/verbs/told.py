"""Long work on one bar: several stretches after each other, each from its beginning to its end."""

from collections.abc import Callable
from typing import final

__all__ = ["Told"]


@final
class Told:
    """A stretch of work of so many bytes, told by how many more are done; files that are copied are one stretch."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self, more: int) -> None:
        self._done += more
        if self._progress:
            self._progress(min(self._done, self._total), self._total)

    def begin(self, what: str, size: int) -> Callable[[int], None]:
        """A file begins; see `transfer.copy.Progress`."""
        return self

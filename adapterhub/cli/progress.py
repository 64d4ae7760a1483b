"""Progress on a terminal; elsewhere nothing is shown and nothing is imported."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, final

from adapterhub.cli.text import clean, cut
from adapterhub.readable import size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Bars", "bars", "line", "steps"]

WIDTH = 40


@final
class Bars:
    """A bar for every file that moves; finished ones make room."""

    def __init__(self, shown: "Progress") -> None:
        self.shown = shown

    def begin(self, what: str, size: int) -> Callable[[int], None]:
        """A file of so many bytes begins; the result is told how many more have come."""
        task = self.shown.add_task(cut(clean(what), WIDTH), total=size)

        def advance(count: int) -> None:
            self.shown.update(task, advance=count)
            self._retire(task)

        return advance

    def _retire(self, task: "TaskID") -> None:
        for known in self.shown.tasks:
            if known.id == task and known.finished:
                self.shown.update(task, visible=False)


@contextlib.contextmanager
def bars() -> Iterator[Bars | None]:
    """Bars on standard error while bytes move; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(WIDTH // 2),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        yield Bars(shown)


@contextlib.contextmanager
def line(verb: str) -> Iterator[Callable[[str | int], None]]:
    """One line that is written over: what is looked at now, or how many bytes were read so far."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    read = 0
    with Console(stderr=True).status(verb) as status:

        def step(what: str | int) -> None:
            nonlocal read
            read += what if isinstance(what, int) else 0
            shown = size(read) if isinstance(what, int) else cut(clean(what), 2 * WIDTH)
            status.update(f"{verb} {shown}".replace("[", "\\["))

        yield step


@contextlib.contextmanager
def steps(verb: str, *, in_bytes: bool = False) -> Iterator[Callable[[int, int], None] | None]:
    """One bar for work that is told as (done, of how much); None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    count = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(WIDTH), count, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(verb, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)

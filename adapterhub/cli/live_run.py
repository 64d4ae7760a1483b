"""A run while it runs, on a terminal: how far it is, what it says, what validation said. Elsewhere nothing is shown."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, final

from adapterhub.cli.clock import clock
from adapterhub.cli.text import clean, cut
from adapterhub.train.watch.record import Begun, Ended, Stepped, Validated, Watcher, counted
from adapterhub.train.watch.smooth import Smooth, span

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Board", "live_run"]

NAME, BAR = 28, 24
SPEED = 20
"""Steps over which the speed is smoothed."""


@contextlib.contextmanager
def live_run() -> Iterator[Watcher | None]:
    """A watcher that shows the run on standard error until it is over; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live

    board = Board()
    with Live(board, console=Console(stderr=True), transient=True, refresh_per_second=4):
        yield board


@final
class Board:
    """A watcher that knows what is to be shown now: nothing before the run begins."""

    def __init__(self) -> None:
        self.begun: Begun | None = None
        self.step_now = 0
        self.said = self.measured = self.best = ""
        self.loss, self.pace = Smooth(1), Smooth(SPEED)
        self.each = self.measuring = 0.0

    def begin(self, event: Begun) -> None:
        self.begun, self.step_now = event, event.step
        self.loss = Smooth(span(event.of))

    def step(self, event: Stepped) -> None:
        """Loss, rate and speed, smoothed."""
        self.step_now = event.step
        self.each = self.pace.add(event.seconds)
        parts = [] if event.loss is None else [f"loss {self.loss.add(event.loss):.4g}"]
        parts.append(f"lr {event.lr:.3g}")
        if self.each:
            parts.append(f"{event.examples / self.each:,.0f} examples/s")
        self.said = "   ".join(parts)

    def validated(self, event: Validated) -> None:
        """All of the last validation, what is compared first; of the best one that alone."""
        self.measuring += event.seconds
        counts = counted((self.begun, event) if self.begun else (event,))
        compared = {counts: event.metrics.get(counts)} if event.metrics else {}
        self.measured = f"validation at step {event.step}: {_numbers({**compared, **event.metrics})}"
        if event.best:
            self.best = f"best at step {event.step}: {_numbers(compared)}"

    def end(self, event: Ended) -> None:
        self.step_now = event.step

    @property
    def left(self) -> float | None:
        """Seconds until the end at this pace, with the validations on the way; None before the first step."""
        if self.begun is None or not self.each:
            return None
        made = max(1, self.step_now - self.begun.step)
        return (self.begun.of - self.step_now) * (self.each + self.measuring / made)

    @property
    def lines(self) -> list[str]:
        """What is said below the bar."""
        return [clean(line) for line in (self.said, self.measured, self.best) if line]

    def __rich__(self) -> "RenderableType":
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if self.begun is None:
            return Text("")
        row = Table.grid(padding=(0, 1))
        count = f"{self.step_now}/{self.begun.of}"
        left = "" if self.left is None else f"{clock(self.left)} left"
        bar = ProgressBar(self.begun.of, self.step_now, width=BAR)
        row.add_row(Text(cut(clean(self.begun.name or "training"), NAME)), bar, Text(count), Text(left))
        return Group(row, *(Text(line, no_wrap=True, overflow="ellipsis") for line in self.lines))


def _numbers(metrics: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {'–' if value is None else format(value, '.4g')}" for name, value in metrics.items())

"""What happens in a run, as records: it begins, makes steps, is validated, ends. A run that goes on begins again.

begun  stepped…  validated  stepped…  validated  ended
       ─── one line each in log.jsonl, one call each of a Watcher ───
"""

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Protocol, final

from pydantic import BeforeValidator, Field

from adapterhub.document import Document

__all__ = ["Begun", "Ended", "Event", "Measured", "Stepped", "Validated", "Watcher", "Watchers", "counted"]


def _finite(value: Any) -> Any:
    """None for what is no finite number: the norm of a gradient that overflowed in fp16, a metric of no rows."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Measured = Annotated[float | None, BeforeValidator(_finite)]
"""A number that was measured; None where what came out is none. JSON has no NaN."""

Count = Annotated[int, Field(ge=0)]


class Begun(Document):
    """A run begins, or goes on after a cut."""

    event: Literal["begun"] = "begun"
    step: Count = 0
    """After which step it goes on; 0 for a run that is new."""
    of: Count
    """Steps there will be in all."""
    config: str = ""
    """The digest of what was asked."""
    name: str = ""
    examples: Count = 0
    """Rows to learn from."""
    trainable: Count = 0
    parameters: Count = 0
    """Numbers in the model, those that are trained and those that are frozen."""
    batch: Count = 0
    micro_batch: Count = 0
    processes: Count = 1
    device: str = "cpu"
    metric: str = ""
    """The one that is compared on validation."""


class Stepped(Document):
    """The optimiser made a step."""

    event: Literal["stepped"] = "stepped"
    step: Count
    of: Count
    epoch: float
    """How often the rows have been seen, with its fraction."""
    loss: Measured = None
    """The mean over everything the step counted, in all processes."""
    lr: float
    """The rate of the step; parameters may have a multiple of it."""
    grad_norm: Measured = None
    """Of all gradients together, before clipping."""
    examples: Count
    """Rows in this step, all processes together."""
    seconds: float
    """What this step took."""


class Validated(Document):
    """The validation rows were measured."""

    event: Literal["validated"] = "validated"
    step: Count
    metrics: dict[str, Measured] = {}
    best: bool = False
    """Whether it is better than all before it."""
    seconds: float = 0.0
    """What the measuring took."""


class Ended(Document):
    """The run is over, one way or the other."""

    event: Literal["ended"] = "ended"
    step: Count
    reason: Literal["finished", "no longer better", "interrupted", "failed"] = "finished"
    best_step: Count | None = None
    metrics: dict[str, Measured] = {}
    """Of what was kept."""
    seconds: float = 0.0
    """Training altogether, with what it took before a cut."""
    peak_memory: Count | None = None
    """Bytes of the process, or of the accelerator where there is one, since the run began or went on."""
    gap: Measured = None
    """What averaging workers that trained apart lost where they met, relative; the largest of all meetings."""
    message: str = ""


Event = Begun | Stepped | Validated | Ended


class Watcher(Protocol):
    """Somebody who is told what happens; the first process of a run tells it, in order."""

    def begin(self, event: Begun) -> None: ...

    def step(self, event: Stepped) -> None: ...

    def validated(self, event: Validated) -> None: ...

    def end(self, event: Ended) -> None:
        """Nothing comes after it; called also when the run failed."""


@final
class Watchers:
    """Several watchers as one; each hears of an event before any hears of the next."""

    def __init__(self, each: Iterable[Watcher]) -> None:
        self.each = tuple(each)

    def begin(self, event: Begun) -> None:
        for watcher in self.each:
            watcher.begin(event)

    def step(self, event: Stepped) -> None:
        for watcher in self.each:
            watcher.step(event)

    def validated(self, event: Validated) -> None:
        for watcher in self.each:
            watcher.validated(event)

    def end(self, event: Ended) -> None:
        for watcher in self.each:
            watcher.end(event)


def counted(events: Iterable[Event], metric: str = "") -> str:
    """The metric that is compared in a run: the one given, else what `Begun` says, else the first that was measured."""
    said = metric
    for event in events:
        if not said and isinstance(event, Begun):
            said = event.metric
        if not said and isinstance(event, Validated):
            said = next(iter(event.metrics), "")
    return said

"""What is told of a training: before its first step a line each, and of metrics that came to nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, final

from adapterhub.finding import Finding
from adapterhub.train.config import TrainConfig
from adapterhub.train.metrics.finite import finite

if TYPE_CHECKING:
    from adapterhub.train.watch.record import Begun, Ended, Stepped, Validated

__all__ = ["Opening", "finding_line", "no_numbers"]


@final
class Opening:
    """A watcher that tells what begins: what is trained, how long, where its log lies, after which step it goes on."""

    def __init__(self, config: TrainConfig, log: Path, tell: Callable[[str], None]) -> None:
        self.config, self.log, self.tell = config, log, tell

    def begin(self, event: "Begun") -> None:
        """The line."""
        adapter, optim = self.config.adapter, self.config.optim
        kind = "full" if adapter.method == "full" else f"{adapter.method} of rank {adapter.rank}"
        parts = [
            f"training {self.config.name}: {kind} for {self.config.task}, lr {optim.lr:g}",
            f"{event.of:,} steps of {optim.batch} on {event.device}",
            f"log {self.log}",
            *([f"continues after step {event.step:,}"] if event.step else []),
        ]
        self.tell("; ".join(parts))

    def step(self, event: "Stepped") -> None:
        """Nothing more."""

    def validated(self, event: "Validated") -> None:
        """Nothing more."""

    def end(self, event: "Ended") -> None:
        """Nothing more."""


def finding_line(finding: Finding) -> str:
    """A finding on one line.

    >>> finding_line(Finding(check="leak", severity="warning", place="x.csv, line 3", message="is in both"))
    'warning: x.csv, line 3: is in both'
    """
    said = ": ".join(filter(None, (finding.severity, finding.place, finding.message)))
    return f"{said}; {finding.remedy}" if finding.remedy else said


def no_numbers(metrics: Mapping[str, float], when: str) -> tuple[Finding, ...]:
    """What was measured and is no finite number; an entry holds the others.

    >>> [finding_line(found) for found in no_numbers({"auc": float("nan"), "f1": 0.5}, "on 2 test rows")]
    ['warning: auc: is nan on 2 test rows; see whether the rows are such that it can be measured on them']
    """
    known, remedy = finite(metrics), "see whether the rows are such that it can be measured on them"
    return tuple(
        Finding(check="no-number", severity="warning", place=name, message=f"is {value} {when}", remedy=remedy)
        for name, value in metrics.items()
        if name not in known
    )

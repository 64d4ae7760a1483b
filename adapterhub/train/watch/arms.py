"""Adapters against full fine-tuning: what each arm reached, and what it cost, as a document and as a picture."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from pydantic import Field

from adapterhub.document import Document
from adapterhub.train.watch.bootstrap import Difference
from adapterhub.train.watch.ink import COLOURS, blank, literal, save, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Arm", "Arms", "draw"]


class Arm(Document):
    """One way to train, run with several seeds."""

    name: str
    values: tuple[float, ...] = Field(min_length=1)
    """The metric on the test rows, one for each seed."""
    trainable: int | None = None
    """Parameters that are trained."""
    seconds: float | None = None
    """Of a run, the mean over seeds; as the next two."""
    peak_memory: int | None = None
    """Bytes."""
    file_bytes: int
    """What is kept of a run."""
    latency: float | None = None
    """Milliseconds an example, where it was measured."""
    lr: float | None = None
    """The rate its search chose."""

    mean: float
    spread: float | None = None
    """The standard deviation over seeds, with n - 1; None for one seed."""

    @classmethod
    def of(cls, name: str, values: Iterable[float], **costs: Any) -> "Arm":
        """An arm with its mean and spread; the costs are the other fields."""
        known = tuple(values)
        spread = stdev(known) if len(known) > 1 else None
        return cls(name=name, values=known, mean=fmean(known), spread=spread, **costs)


class Arms(Document):
    """Several arms on one task; the first is what the others are compared with."""

    task: str = ""
    metric: str = "accuracy"
    arms: tuple[Arm, ...] = Field(min_length=1)
    differences: dict[str, Difference] = {}
    """Arm -> it minus the first, on the same test rows."""


def draw(report: Arms, path: Path) -> Path:
    """Write the picture: the metric with its spread, and each cost beside it, an arm in the same colour everywhere."""
    figure = blank(12, 1.6 + 0.5 * len(report.arms))
    reached, *costs = figure.subplots(1, 5, sharey=True, width_ratios=(1.6, 1, 1, 1, 1))
    _reached(reached, report)
    arms = report.arms
    _cost(costs[0], "trained parameters", [arm.trainable for arm in arms], arms)
    _cost(costs[1], "seconds", [arm.seconds for arm in arms], arms)
    _cost(costs[2], "peak memory, MB", [_mega(arm.peak_memory) for arm in arms], arms)
    _cost(costs[3], "file, MB", [_mega(arm.file_bytes) for arm in arms], arms)
    reached.set_yticks(range(len(arms)), [literal(arm.name) for arm in arms])
    reached.invert_yaxis()
    return save(figure, path)


def _reached(axes: "Axes", report: Arms) -> None:
    title = f"{report.task}: {report.metric}".removeprefix(": ")
    tidy(axes, title, "every seed, mean and standard deviation")
    for place, (arm, colour) in enumerate(_coloured(report.arms)):
        axes.plot(arm.values, [place] * len(arm.values), "o", color=colour, alpha=0.45, markersize=5)
        axes.errorbar(arm.mean, place, xerr=arm.spread, fmt="|", color=colour, capsize=5, linewidth=1.8, markersize=18)
        axes.annotate(f"{arm.mean:.4g}", (arm.mean, place), (0, 9), textcoords="offset points", ha="center", fontsize=8)
    axes.margins(x=0.15)


def _cost(axes: "Axes", title: str, costs: Sequence[float | None], arms: Iterable[Arm]) -> None:
    tidy(axes, title)
    for place, (cost, (_, colour)) in enumerate(zip(costs, _coloured(arms), strict=True)):
        bar = axes.barh([place], [cost or 0.0], 0.6, color=colour)
        axes.bar_label(bar, [_short(cost)], padding=2, fontsize=8)
    axes.margins(x=0.35)
    axes.set_xticks([])


def _mega(count: int | None) -> float | None:
    return None if count is None else count / 1e6


def _short(cost: float | None) -> str:
    if cost is None:
        return "not measured"
    return f"{cost:,.4g}" if cost < 1e5 else f"{cost / 1e6:.3g} M"


def _coloured(arms: Iterable[Arm]) -> list[tuple[Arm, str]]:
    return [(arm, COLOURS[place % len(COLOURS)]) for place, arm in enumerate(arms)]

"""What a search over learning rates and ranks found, as a document and as a picture."""

from collections.abc import Iterable
from math import nan
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from pydantic import Field

from adapterhub.document import Document
from adapterhub.train.metrics.direction import Compared
from adapterhub.train.watch.ink import COLOURS, DASHES, MARKERS, blank, literal, save, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Rung", "SearchReport", "draw"]


class Rung(Document):
    """One run of a search."""

    lr: float
    rank: int | None = None
    """None where nothing has a rank: full fine-tuning."""
    alpha: float | None = None
    """None where it is twice the rank."""
    seed: int = 0
    value: float | None = None
    """The metric on validation, at its best step; None where the run failed."""
    best_step: int | None = None
    seconds: float = 0.0
    trainable: int = 0
    """Parameters that are trained."""
    peak_memory: int | None = None
    """Bytes."""
    fault: str = ""
    """Why there is no value."""


class SearchReport(Document):
    """All runs of a search, in the order of rank, rate and seed."""

    name: str = ""
    method: str = ""
    metric: str
    less_is_better: bool | None = None
    """None: as the name of the metric says."""
    rungs: tuple[Rung, ...] = Field(min_length=1)
    best: Rung | None = None
    """The run to go on with; None where all failed."""

    @classmethod
    def of(
        cls, metric: str, rungs: Iterable[Rung], *, less: bool | None = None, name: str = "", method: str = ""
    ) -> "SearchReport":
        """A report of runs that were made in any order."""
        order = tuple(sorted(rungs, key=lambda rung: (rung.rank or 0, rung.lr, rung.seed)))
        best = _best(Compared.of(metric, less), order)
        return cls(name=name, method=method, metric=metric, less_is_better=less, rungs=order, best=best)

    @property
    def at_the_edge(self) -> bool:
        """Whether the best rate is the least or the largest that was tried: then a better one may lie beyond.

        Where a rate in between does as well, that is not so.
        """
        rates = sorted({rung.lr for rung in self.rungs})
        ends = (rates[0], rates[-1])
        if self.best is None or len(rates) == 1 or self.best.lr not in ends:
            return False
        means = {tried: _mean(tries) for tried, tries in _tries(self.rungs).items()}
        return all(lr in ends or mean != means[self.best.rank, self.best.lr] for (_, lr), mean in means.items())


def _tries(rungs: Iterable[Rung]) -> dict[tuple[int | None, float], tuple[Rung, ...]]:
    """The runs of each rank and rate: one for each seed."""
    found: dict[tuple[int | None, float], tuple[Rung, ...]] = {}
    for rung in rungs:
        found[rung.rank, rung.lr] = (*found.get((rung.rank, rung.lr), ()), rung)
    return found


def _best(compared: Compared, rungs: Iterable[Rung]) -> Rung | None:
    """The first seed of the rank and rate whose mean over seeds is best; where they are equal, of the lower rank.

    Where a run of them failed, the others do not speak for it.
    """
    chosen: tuple[float, Rung] | None = None
    for tries in _tries(rungs).values():
        mean = _mean(tries)
        if mean is not None and (chosen is None or compared.better(mean, chosen[0])):
            chosen = mean, tries[0]
    return chosen[1] if chosen else None


def _mean(tries: Iterable[Rung]) -> float | None:
    """The mean over seeds; None where one of them failed."""
    values = [rung.value for rung in tries]
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None


def draw(report: SearchReport, path: Path) -> Path:
    """Write the picture: the metric against the rate, one line a rank, the mean of the seeds and each of them."""
    figure = blank(8, 5)
    axes = figure.subplots()
    tidy(axes, f"{report.name}: {report.metric} on validation".removeprefix(": "), "learning rate")
    axes.set_xscale("log")
    rates = sorted({rung.lr for rung in report.rungs})
    axes.set_xticks(rates, [f"{rate:.3g}" for rate in rates])
    axes.set_xticks([], minor=True)
    for place, rank in enumerate(dict.fromkeys(rung.rank for rung in report.rungs)):
        label = (report.method or "all weights") if rank is None else f"rank {rank}"
        _line(axes, [rung for rung in report.rungs if rung.rank == rank], place % len(COLOURS), label)
    if report.best:
        _star(axes, _tries(report.rungs)[report.best.rank, report.best.lr])
    axes.legend(frameon=False)
    return save(figure, path)


def _line(axes: "Axes", rungs: Iterable[Rung], style: int, label: str) -> None:
    """A line through the means, a dot for every seed; a rate at which all seeds failed leaves a gap."""
    seeds = {lr: [rung.value for rung in tries if rung.value is not None] for (_, lr), tries in _tries(rungs).items()}
    means = [fmean(values) if values else nan for values in seeds.values()]
    colour, dash, marker = COLOURS[style], DASHES[style], MARKERS[style]
    axes.plot(list(seeds), means, color=colour, linestyle=dash, marker=marker, label=literal(label))
    dots = [(lr, value) for lr, values in seeds.items() for value in values]
    axes.plot([lr for lr, _ in dots], [value for _, value in dots], ".", color=colour, alpha=0.4)


def _star(axes: "Axes", tries: Iterable[Rung]) -> None:
    best = [(rung.lr, rung.value) for rung in tries if rung.value is not None]
    mean = fmean(value for _, value in best)
    axes.plot([best[0][0]], [mean], "*", color="black", markersize=13, linestyle="", label=f"best: {mean:.4g}")

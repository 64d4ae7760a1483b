"""The curves of a run as one picture: loss, what validation said, learning rate, norm of the gradient."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adapterhub.train.metrics.direction import less_is_better
from adapterhub.train.watch.ink import BLUE, COLOURS, DASHES, GREEN, MARKERS, ORANGE, RED, blank, literal, save, tidy
from adapterhub.train.watch.record import Begun, Event, Stepped, Validated, counted
from adapterhub.train.watch.smooth import smoothed, span, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

Points = tuple[list[float], list[float]]

MOST = 4
"""Metrics in one panel: the one that is compared, and the first of those that are like it."""

FEW = 60
"""Up to so many validations have a marker each."""


def draw(events: Iterable[Event], path: Path, metric: str = "") -> Path:
    """Write the picture of a log; without a metric, that which the run compared is marked where it was best."""
    known = tuple(events)
    steps = [event for event in known if isinstance(event, Stepped)]
    validated = [event for event in known if isinstance(event, Validated)]
    figure = blank(10.5, 6.4)
    figure.suptitle(literal(_title(known)), x=0.01, ha="left")
    above = ["loss", "measured"] if validated else ["loss", "loss"]
    panels: dict[str, Axes] = figure.subplot_mosaic([above, ["rate", "norm"]])
    _loss(panels["loss"], steps, validated)
    if validated:
        _measured(panels["measured"], validated, counted(known, metric))
    _line(panels["rate"], [(event.step, event.lr) for event in steps], "learning rate", GREEN)
    norms = [(event.step, event.grad_norm) for event in steps if event.grad_norm is not None]
    _line(panels["norm"], norms, "norm of the gradient, before clipping", RED)
    for axes in panels.values():
        axes.set_xlim(0, 1.03 * max([event.step for event in known], default=0) or 1)
    return save(figure, path)


def _title(events: Sequence[Event]) -> str:
    begun = next((event for event in events if isinstance(event, Begun)), None)
    last = max((event.step for event in events), default=0)
    return f"{begun.name or 'a run'}: {last} of {begun.of} steps" if begun else f"{last} steps"


def _loss(axes: "Axes", steps: Sequence[Stepped], validated: Sequence[Validated]) -> None:
    tidy(axes, "loss", "step")
    raw = [(event.step, event.loss) for event in steps if event.loss is not None]
    places, values = [float(step) for step, _ in raw], [loss for _, loss in raw]
    over = span(len(values))
    if over > 1:
        axes.plot(*thinned(places, values), color=BLUE, alpha=0.3, linewidth=0.8)
    label = f"training, mean of about {over} steps" if over > 1 else "training"
    axes.plot(*thinned(places, smoothed(values, over)), color=BLUE, marker=_dot(values, 2), label=label)
    held = _metric(validated, "loss")
    if held[0]:
        marker = _dot(held[1], FEW, "s")
        axes.plot(*thinned(*held), color=ORANGE, linestyle=DASHES[1], marker=marker, markersize=4, label="validation")
    if values or held[0]:
        axes.legend(frameon=False)


def _measured(axes: "Axes", validated: Sequence[Validated], counts: str) -> None:
    """The metric that is compared, and beside it those that have its scale."""
    tidy(axes, "on the validation rows", "step")
    for place, name in enumerate(_together(validated, counts)):
        axes.plot(
            *thinned(*_metric(validated, name)),
            color=COLOURS[place],
            linestyle=DASHES[place],
            linewidth=1.8 if name == counts else 1.2,
            marker=_dot(validated, FEW, MARKERS[place]),
            markersize=4,
            label=literal(name),
        )
    _mark(axes, validated, counts)
    axes.legend(frameon=False)


def _mark(axes: "Axes", validated: Sequence[Validated], counts: str) -> None:
    best = next((event for event in reversed(validated) if event.best), None)
    value = best.metrics.get(counts) if best else None
    if best is not None and value is not None:
        label = literal(f"best {counts}: {value:.4g} at step {best.step}")
        axes.plot([best.step], [value], "*", color="black", markersize=13, linestyle="", label=label)


def _together(validated: Sequence[Validated], counts: str) -> list[str]:
    """The metrics of one panel: shares of which more is better go together, everything else is drawn alone."""
    names = dict.fromkeys((counts, *(name for event in validated for name in event.metrics)))
    alike = [
        name
        for name in names
        if not less_is_better(name) and all(0 <= value <= 1 for value in _metric(validated, name)[1])
    ]
    return alike[:MOST] if counts in alike else [counts]


def _metric(validated: Sequence[Validated], name: str) -> Points:
    found = [(event.step, value) for event in validated if (value := event.metrics.get(name)) is not None]
    return [float(step) for step, _ in found], [value for _, value in found]


def _line(axes: "Axes", points: Sequence[tuple[int, float]], title: str, colour: str) -> None:
    tidy(axes, title, "step")
    places, values = [float(step) for step, _ in points], [value for _, value in points]
    axes.plot(*thinned(places, values), color=colour, linewidth=1.2, marker=_dot(values, 2))
    axes.set_ylim(bottom=0)


def _dot(values: Sequence[object], most: int, marker: str = "o") -> str:
    """The marker of a line that has few points; a line of one point would not be seen without."""
    return marker if len(values) <= most else ""

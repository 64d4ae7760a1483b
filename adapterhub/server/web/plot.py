"""Metrics over versions as small plots: one for each metric, since each has a scale of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

__all__ = ["Plot", "Point", "plots", "table"]

WIDTH, HEIGHT = 240.0, 72.0
LEFT, RIGHT, TOP, BOTTOM = 6.0, 6.0, 8.0, 8.0
MOST = 24
"""Metrics that get a plot."""

Measured = Sequence[tuple[str, dict[str, float]]]
"""Version and its metrics, the oldest first."""


@final
@dataclass(frozen=True)
class Point:
    """A version's number and its place in the plot."""

    version: str
    value: float
    x: float
    y: float


@final
@dataclass(frozen=True)
class Plot:
    """One metric's numbers, the oldest version first."""

    name: str
    points: tuple[Point, ...]
    begin: str
    end: str
    """The versions at both ends of the plot; this metric may be of neither."""

    @property
    def line(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{point.x:g},{point.y:g}" for point in self.points)

    @property
    def low(self) -> float:
        return min(point.value for point in self.points)

    @property
    def high(self) -> float:
        return max(point.value for point in self.points)

    @property
    def last(self) -> Point:
        return self.points[-1]


def plots(measured: Measured) -> list[Plot]:
    """A plot for each metric that two versions or more have; versions keep their distance where one has none."""
    names = sorted({name for _, metrics in measured for name in metrics})
    found = (_plot(name, measured) for name in names)
    return [plot for plot in found if len(plot.points) > 1][:MOST]


def _plot(name: str, measured: Measured) -> Plot:
    there = [(at, version, metrics[name]) for at, (version, metrics) in enumerate(measured) if name in metrics]
    low, high = min(value for *_, value in there), max(value for *_, value in there)
    steps = max(1, len(measured) - 1)
    points = (
        Point(version, value, round(LEFT + at / steps * (WIDTH - LEFT - RIGHT), 2), round(_height(value, low, high), 2))
        for at, version, value in there
    )
    return Plot(name, tuple(points), measured[0][0], measured[-1][0])


def _height(value: float, low: float, high: float) -> float:
    """From the top; halves first, since the distance of two floats may be none."""
    span = high / 2 - low / 2
    part = (value / 2 - low / 2) / span if span else 0.5
    return TOP + (1 - part) * (HEIGHT - TOP - BOTTOM)


def table(measured: Measured) -> dict[str, Any]:
    """The same numbers as rows of versions, the newest first, under the names of the metrics."""
    names = sorted({name for _, metrics in measured for name in metrics})
    rows = [(version, [metrics.get(name) for name in names]) for version, metrics in reversed(measured) if metrics]
    return {"names": names, "rows": rows}

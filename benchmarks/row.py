"""A row of the table: what was measured, against what, and whether the aim was met."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

__all__ = ["Row", "interleaved", "table"]


@final
@dataclass(frozen=True)
class Row:
    """`got` against `peer`, in one unit; `aim` is the largest ratio wanted, or the largest value without a peer."""

    what: str
    got: float
    unit: str
    peer: float | None = None
    beside: str = ""
    aim: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.got / self.peer if self.peer else None

    @property
    def met(self) -> str:
        value = self.got if self.peer is None else self.ratio
        if self.aim is None or value is None:
            return ""
        return "yes" if value <= self.aim else "no"


def interleaved(runs: int, steps: Mapping[str, Callable[[], float]], warmup: int = 1) -> dict[str, float]:
    """The median of each step's answer over `runs` rounds; the steps take turns, so that all meet the same weather."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(runs + warmup):
        for name, step in steps.items():
            answer = step()
            if turn >= warmup:
                found[name].append(answer)
    return {name: statistics.median(answers) for name, answers in found.items()}


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | got | beside | ratio | aim | met |", "|---|---|---|---|---|---|"]
    for row in rows:
        peer = f"{_number(row.peer)} {row.unit} ({row.beside})" if row.peer is not None else row.beside
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        aim = "" if row.aim is None else f"≤ {row.aim:g}{'×' if row.peer is not None else f' {row.unit}'}"
        lines.append(f"| {row.what} | {_number(row.got)} {row.unit} | {peer} | {ratio} | {aim} | {row.met} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if value < 10 else f"{value:.1f}"

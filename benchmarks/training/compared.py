"""Ways to train on one problem as a section: what each reached, what it cost, and how far that is from full."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.section import Table, megabytes, percent
from benchmarks.training.arms import Found, Problem, Way, report

__all__ = ["compare", "pictured", "searched", "tables"]


def compare(problem: Problem, ways: Sequence[Way]) -> tuple[list[Found], dict[str, Any]]:
    """What each way came to, the last of which is full fine-tuning; and the document of the comparison."""
    found = [problem.found(way) for way in ways]
    told = report(problem, found)
    pictured(problem.folder / "plots", problem.name, found, told)
    return found, told


def tables(found: Sequence[Found], told: dict[str, Any]) -> list[Table]:
    """Accuracy beside full, what a run cost, the bytes of a step told apart, and the search."""
    arms = {arm["name"]: arm for arm in told["arms"]}
    return [_reached(found, arms, told["differences"]), _cost(found, arms), searched(found)]


def pictured(folder: Path, name: str, found: Sequence[Found], told: dict[str, Any]) -> None:
    """Plots beside the results: the arms, and the search of each."""
    from adapterhub.train.watch import arms, ladder

    folder.mkdir(parents=True, exist_ok=True)
    arms.draw(arms.Arms.model_validate(told), folder / f"{name}.png")
    for one in found:
        search = ladder.SearchReport.model_validate(one.search)
        ladder.draw(search, folder / f"{name}-{one.way.word}-search.png")


def _reached(found: Sequence[Found], arms: dict[str, Any], differences: dict[str, Any]) -> Table:
    rows = [("", "rate", "test accuracy", "by seed", "minus full, 95 %", "trained", "of all")]
    for one in found:
        arm, gap = arms[one.way.name], differences.get(one.way.name)
        share = one.held["trainable"] / arms["full"]["trainable"]
        apart = f"{_points(gap['mean'])} ({_points(gap['low'])} … {_points(gap['high'])})" if gap else ""
        seeds = ", ".join(percent(value) for value in one.values)
        mean = percent(arm["mean"]) + (f" ± {100 * arm['spread']:.1f}" if arm.get("spread") is not None else "")
        rows.append(
            (one.way.name, f"{arm['lr']:g}", mean, seeds, apart, f"{one.held['trainable']:,}", percent(share, 2))
        )
    return rows


def _cost(found: Sequence[Found], arms: dict[str, Any]) -> Table:
    kinds = ("weights", "gradients", "optimizer", "activations", "peak")
    rows = [("MB, but seconds", *kinds, "of the process", "file", "seconds of a run", "steps")]
    for one in found:
        arm = arms[one.way.name]
        steps = ", ".join(str(run["steps"]) for run in one.runs)
        bytes_ = [one.held[kind] for kind in kinds]
        sizes = [megabytes(count) for count in (*bytes_, arm["peak_memory"], arm["file_bytes"])]
        rows.append((one.way.name, *sizes, f"{arm['seconds']:.0f}", steps))
    return rows


def searched(found: Sequence[Found]) -> Table:
    """What the search of each found, by rate; and whether a better rate may lie beyond those tried."""
    rows = [("search, on validation", *(f"rate {place}" for place in range(1, 1 + _most(found))), "at the edge")]
    for one in found:
        rungs = one.search["rungs"]
        rates = sorted(rung["lr"] for rung in rungs)
        cells = [f"{rung['lr']:g}: {_value(rung.get('value'))}" for rung in rungs]
        edge = len(rates) > 1 and one.search["best"]["lr"] in (rates[0], rates[-1])
        rows.append((one.way.name, *cells, "yes" if edge else "no"))
    return rows


def _value(share: float | None) -> str:
    return "failed" if share is None else percent(share)


def _most(found: Sequence[Found]) -> int:
    return max(len(one.search["rungs"]) for one in found)


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"

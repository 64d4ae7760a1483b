"""How an entry was trained and what it was measured at, in a few lines; `--json` has all of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapterhub.cli.text import clean
from adapterhub.readable import short

__all__ = ["evaluation_lines", "metric_lines", "print_worth", "training_lines"]

BESIDE = ("validation", "robust", "continual")
"""What stands before the names of metrics that get a line of their own."""

BUILDS = ("torch", "transformers", "peft")


def training_lines(training: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was asked, on which rows, with which builds; nothing for a training that is not one of ours."""
    config = training.get("config", {})
    adapter, optim, ran = config.get("adapter", {}), config.get("optim", {}), training.get("run", {})
    rank = "" if adapter.get("method") == "full" else f" of rank {adapter.get('rank')}"
    init = "" if adapter.get("init") in (None, "default") else f", {adapter['init']}"
    asked = [
        f"{config.get('task')}, {adapter.get('method')}{rank}{init}",
        f"lr {optim.get('lr'):g}, batch {optim.get('batch')}, {ran.get('steps', '?')} steps",
        *(name for name in ("robust", "sync") if config.get(name)),
        f"seed {training.get('seed')}",
    ]
    yield "training", ", ".join(asked)
    rows = (f"{said.get('count')} {name}" for name, said in training.get("data", {}).items())
    yield "rows", ", ".join(rows)
    versions = training.get("versions", {})
    builds = ", ".join(f"{name} {versions[name]}" for name in BUILDS if name in versions)
    processes = f", {ran['processes']} processes" if ran.get("processes", 1) > 1 else ""
    yield "built on", f"{builds}; {ran['device']}{processes}" if "device" in ran else builds


def metric_lines(metrics: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """All metrics on one line, and those with a word before their names on lines of their own."""
    left = dict(metrics)
    beside = {word: {name: left.pop(name) for name in metrics if name.startswith(f"{word}_")} for word in BESIDE}
    yield "metrics", _told(left)
    for word, found in beside.items():
        yield word, _told({name.removeprefix(f"{word}_"): value for name, value in found.items()})


def evaluation_lines(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What `eval` measured later, a line for each set of rows."""
    for data, said in sorted(evaluation.items()):
        yield "evaluation", f"{_told(said.get('metrics', {}))} on {said.get('rows')} rows ({short(data)})"


def print_worth(before: Mapping[str, float], now: Mapping[str, float]) -> None:
    """Metrics before and after something was made smaller."""
    for name, value in before.items():
        print(f"  {clean(name)}  {value:.4f} before, {now[name]:.4f} now")


def _told(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(metrics.items()))

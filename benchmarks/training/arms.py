"""Several ways to train on one problem: each gets the same search, then several seeds at the rate that was best."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.measure import apart
from benchmarks.training.remembered import remembered
from benchmarks.training.sizes import Sizes

__all__ = ["HERE", "Found", "Problem", "Way", "rates", "report", "share"]

HERE = "benchmarks.training.runs"


@dataclass(frozen=True)
class Way:
    """A way to train: its name, what the config says of it, and the rates its search tries."""

    name: str
    adapter: dict[str, Any]
    rates: tuple[float, ...]

    @property
    def word(self) -> str:
        """The name where only letters go."""
        return re.sub("[^a-z0-9]+", "-", self.name.lower())


@dataclass(frozen=True)
class Found:
    """What a way came to: a search, and a run and its answers for each seed."""

    way: Way
    search: dict[str, Any]
    runs: list[dict[str, Any]]
    held: dict[str, int]

    @property
    def values(self) -> list[float]:
        """Test accuracy by seed."""
        return [share(run["right"]) for run in self.runs]

    @cached_property
    def scores(self) -> list[float]:
        """For each test row the share of the seeds that answered it right."""
        return [share(row) for row in zip(*(run["right"] for run in self.runs), strict=True)]


@dataclass(frozen=True)
class Problem:
    """Rows and a base: the config without its method, and the rows that are looked at once, at the end."""

    name: str
    folder: Path
    config: dict[str, Any]
    test: Path
    sizes: Sizes

    def asked(self, way: Way, name: str, seed: int = 0, lr: float | None = None, **more: Any) -> dict[str, Any]:
        """A config, with the problem's own way to end early."""
        config = {**self.config, **more, "name": f"bench/{self.name}-{way.word}-{name}", "seed": seed}
        optim = {**self.config["optim"], **({"lr": lr} if lr else {})}
        return {**config, "adapter": way.adapter, "optim": optim}

    def searched(self, way: Way) -> dict[str, Any]:
        """The report of the search: `rates` of the sizes, one seed, on validation rows."""
        config = self.asked(way, "search", search={"lr": list(way.rates[: self.sizes.rates])})
        return self.once(f"{way.word}-search", config, lambda: apart(f"{HERE}:searched", self.store, config))

    def found(self, way: Way) -> Found:
        """Everything of a way; what was found before is not done again."""
        search = self.searched(way)
        if not search.get("best"):
            raise SystemExit(f"{self.name}, {way.name}: every rate of {way.rates} failed")
        rate = search["best"]["lr"]
        runs = [self.run(self.asked(way, f"seed{seed}", seed, rate)) for seed in range(self.sizes.seeds)]
        config = self.asked(way, "held", 0, rate)
        held = self.once(f"{way.word}-held", config, lambda: apart(f"{HERE}:held", self.store, config))
        return Found(way, search, runs, held)

    def run(self, config: dict[str, Any], judge: dict[str, Any] | None = None) -> dict[str, Any]:
        """A run, and which test rows it answers right; with a judge also which under its attack."""
        words = (self.store, config, str(self.test), judge)
        name = config["name"].removeprefix(f"bench/{self.name}-")
        return self.once(name, {"config": config, "judge": judge}, lambda: apart(f"{HERE}:run", *words))

    def once(self, name: str, asked: dict[str, Any], deed: Callable[[], Any]) -> Any:
        """What a deed gives, remembered beside the rows."""
        return remembered(self.folder / "results" / f"{self.name}-{name}.json", asked, deed)

    @property
    def store(self) -> str:
        return str(self.folder / "store")


def share(right: Sequence[float]) -> float:
    """How many of the answers are right."""
    return sum(right) / len(right)


def rates(middle: float, count: int = 4) -> tuple[float, ...]:
    """Rates a factor of two apart, the third of four in the middle.

    >>> rates(4e-3)
    (0.001, 0.002, 0.004, 0.008)
    """
    return tuple(float(f"{middle * 2.0 ** (place - 2):.3g}") for place in range(count))


def report(problem: Problem, found: Sequence[Found]) -> dict[str, Any]:
    """The document of the comparison; the last way, which is full fine-tuning, is what the others are held against."""
    from adapterhub.train.watch.arms import Arm, Arms
    from adapterhub.train.watch.bootstrap import difference

    *others, full = found
    arms = [
        Arm.of(
            one.way.name,
            one.values,
            trainable=one.held["trainable"],
            seconds=_mean(run["seconds"] for run in one.runs),
            peak_memory=round(_mean(run["peak_memory"] for run in one.runs)),
            file_bytes=one.runs[0]["bytes"],
            lr=one.search["best"]["lr"],
        )
        for one in (full, *others)
    ]
    apart_ = {one.way.name: difference(one.scores, full.scores) for one in others}
    return Arms(task=problem.name, arms=tuple(arms), differences=apart_).plain()


def _mean(values: Any) -> float:
    known = list(values)
    return sum(known) / len(known)

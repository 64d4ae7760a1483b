"""Three tasks in a row, each run going on from the entry before: what is forgotten without care, and with replay."""

from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.measure import apart
from benchmarks.training import runs
from benchmarks.training.arms import Way, share
from benchmarks.training.digits import problem
from benchmarks.training.sizes import Sizes

__all__ = ["CARES", "TASKS", "in_a_row", "measure"]

TASKS = ("turned", "mirrored", "fallen")
WAY = Way("LoRA, rank 8", {"method": "lora", "rank": 8}, ())
RATE = 5e-3
CARES: dict[str, dict[str, Any]] = {"sequential": {}, "replay": {"sample": 200, "replay": 1.0}}
"""What a config says in `continual`: 200 rows of all tasks are kept, and as many old rows are learned as new ones."""


def measure(folder: Path, sizes: Sizes) -> dict[str, dict[str, Any]]:
    """Care -> mean accuracy of all tasks at the end and forgetting, means over seeds; and the table of the first."""
    # The network they all begin with is trained first, once.
    first = problem(folder, "cnn", TASKS[0], sizes)
    found = {}
    for care in CARES:
        figures = []
        for seed in range(sizes.seeds):
            words = (str(folder), asdict(sizes), care, seed)
            asked = {"steps": sizes.steps, "base": first.config["base"], "care": CARES[care], "rate": RATE}
            deed = lambda words=words: apart(f"{__name__}:in_a_row", *words)  # noqa: E731
            figures.append(first.once(f"{care}{seed}", asked, deed))
        means = {name: fmean(one[name] for one in figures) for name in ("average", "forgetting")}
        found[care] = {**means, "scores": figures[0]["scores"]}
    return found


def in_a_row(folder: str, sizes: dict[str, Any], care: str, seed: int) -> dict[str, Any]:
    """The figures of one seed: after each task every task so far is measured."""
    from adapterhub.train.continual.forgetting import forgetting

    problems = [problem(Path(folder), "cnn", move, Sizes(**sizes)) for move in TASKS]
    scores: list[list[float]] = []
    reference: str | None = None
    for number, asked in enumerate(problems):
        # A first task has nothing to replay.
        kept = {name: value for name, value in CARES[care].items() if number or name != "replay"}
        config = asked.asked(WAY, f"{care}{seed}", seed, RATE, continual=kept, validation={"keep": "last"})
        reference = str(runs.trained(asked.store, config, reference)["reference"])
        seen = problems[: number + 1]
        scores.append([share(runs.answered(asked.store, config, reference, str(one.test))["right"]) for one in seen])
    return forgetting(TASKS, scores).plain()

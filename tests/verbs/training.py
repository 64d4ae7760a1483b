"""A place to train in: a tiny BERT, rows whose words tell their labels, a config, and a store."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from adapterhub.hub import Hub
from adapterhub.train.watch.record import Ended, Stepped, Validated
from adapterhub.verbs.trained import Trained
from tests.train.tasks.builders import save_bert

LABELS = ("poem", "prose")


def rows(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts of w0 … w19 are poems, those of w20 … w39 prose."""
    random = Random(seed)
    found = []
    for number in range(count):
        words = [f"w{20 * (number % 2) + random.randrange(20)}" for _ in range(random.randint(3, 9))]
        found.append((" ".join(words), LABELS[number % 2]))
    return found


def write_rows(path: Path, found: Sequence[tuple[str, str]]) -> Path:
    """Rows as a CSV file with the columns text and label."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("text", "label"))
        writer.writerows(found)
    return path


def merged(fields: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with others in place of some, also inside a field."""
    inner = {
        name: {**fields.get(name, {}), **value} if isinstance(value, dict) else value for name, value in changes.items()
    }
    return {**fields, **inner}


@dataclass(frozen=True)
class Workshop:
    """A folder with a base, rows and run.yaml; and a store."""

    folder: Path
    hub: Hub

    @classmethod
    def of(cls, folder: Path, **changes: Any) -> "Workshop":
        """A base of random weights, 64 rows to train on, 20 to validate, 30 to test."""
        folder.mkdir(parents=True, exist_ok=True)
        save_bert(folder / "tiny")
        for name, count, seed in (("train", 64, 1), ("validation", 20, 2), ("test", 30, 3)):
            write_rows(folder / f"{name}.csv", rows(count, seed))
        made = cls(folder, Hub.open(folder / "store"))
        made.write(**changes)
        return made

    @property
    def config(self) -> Path:
        return self.folder / "run.yaml"

    @property
    def fields(self) -> dict[str, Any]:
        """What run.yaml says unless a test says otherwise: 16 steps."""
        return {
            "base": "./tiny",
            "name": "ada/topic",
            "task": "text-classification",
            "data": {"train": "train.csv", "validation": "validation.csv", "test": "test.csv"},
            "adapter": {"rank": 4},
            "optim": {"lr": 2e-2, "batch": 16, "micro_batch": 8, "epochs": 4},
        }

    def write(self, **changes: Any) -> Path:
        """run.yaml with some fields changed."""
        self.config.write_text(yaml.safe_dump(merged(self.fields, changes)))
        return self.config

    def train(self, **how: Any) -> Trained:
        """Run it, as it stands there."""
        trained = self.hub.train(self.config, **how)
        assert trained is not None
        return trained

    @property
    def names(self) -> list[str]:
        """The entries there are."""
        return [str(listed.reference) for listed in self.hub.desk.store.list()]


class Stop(Exception):
    """What a `Stopper` raises."""


class Stopper:
    """A watcher that ends a run at a step, as a crash would."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.steps: list[int] = []

    def begin(self, event: Any) -> None:
        """Nothing yet."""

    def step(self, event: Stepped) -> None:
        """Crash at the step."""
        self.steps.append(event.step)
        if event.step == self.at:
            raise Stop(f"step {event.step}")

    def validated(self, event: Validated) -> None:
        """Nothing."""

    def end(self, event: Ended) -> None:
        """Nothing."""

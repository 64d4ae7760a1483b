"""A tiny base, rows of two tasks whose words have nothing in common, and configs to learn one after the other."""

import csv
import random

from adapterhub.train.watch.record import Watcher
from tests.train.tasks.builders import WORDS, save_bert

SENSES = {"a": (WORDS[:8], WORDS[8:16]), "b": (WORDS[16:24], WORDS[24:32])}
"""Task -> the words that mean y, and those that mean x."""
OPTIM = {"lr": 5e-3, "batch": 16, "steps": 60, "micro_batch": 16}


def write_rows(path, senses, count, seed):
    dice = random.Random(seed)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label"])
        for _ in range(count):
            label = dice.randrange(2)
            writer.writerow([" ".join(dice.choice(senses[label]) for _ in range(6)), "yx"[label]])
    return path


def furnished(folder):
    """The folder with a base, and rows to train on and to test on of both tasks."""
    save_bert(folder / "base")
    for task, senses in SENSES.items():
        write_rows(folder / f"{task}.csv", senses, 128, 1)
        write_rows(folder / f"{task}-test.csv", senses, 96, 2)
    return folder


def config(place, task, name, **fields):
    data = {"train": str(place / f"{task}.csv"), "test": str(place / f"{task}-test.csv"), **fields.pop("data", {})}
    optim = {**OPTIM, **fields.pop("optim", {})}
    asked = {"adapter": {"rank": 4}, **fields}
    return {
        "base": str(place / "base"),
        "name": name,
        "task": "text-classification",
        "data": data,
        "optim": optim,
        **asked,
    }


def rows_to_test(place):
    return [place / f"{task}-test.csv" for task in SENSES]


class Killed(Watcher):
    """Ends a run after a step, as a kill does."""

    def step(self, event):
        if event.step == 5:
            raise KeyboardInterrupt

"""What two processes do with `Hub.train`, case by case, each with a folder and a store of its own, as on two machines.

`torchrun --nproc_per_node=2 -m tests.verbs.processes FOLDER` where FOLDER holds host-0 and host-1, two workshops.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from adapterhub.errors import AdapterHubError
from adapterhub.hub import Hub
from adapterhub.train.engine.fit import Interrupted
from adapterhub.train.watch.record import Stepped
from tests.verbs.training import Stopper, Workshop

RANK = int(os.environ.get("RANK", "0"))
Told = dict[str, Any]


def train(place: Workshop, **changes: Any) -> Told:
    """What one process hears of a training: an entry, nothing, or an error."""
    try:
        trained = place.hub.train(place.config, **changes)
    except AdapterHubError as error:
        return {"error": type(error).__name__, "told": str(error), "elsewhere": error.elsewhere}
    return trained.model_dump(mode="json") if trained else {}


def two_machines(place: Workshop) -> Told:
    return train(place)


def again(place: Workshop) -> Told:
    return train(place)


def other_rows(place: Workshop) -> Told:
    return train(place, name="ada/rows", data={"train": "other.csv"} if RANK else {})


def no_rows(place: Workshop) -> Told:
    return train(place, name="ada/none", data={"train": "nowhere.csv"} if RANK else {})


def no_label(place: Workshop) -> Told:
    """All make the same mistake."""
    return train(place, name="ada/label", data={"label": "lable"})


def other_base(place: Workshop) -> Told:
    return train(place, name="ada/base", base="./other" if RANK else "./tiny")


def other_rate(place: Workshop) -> Told:
    return train(place, name="ada/rate", optim={"lr": 1e-3 if RANK else 2e-3})


class Rung(Stopper):
    """Asks its own process to stop at a step."""

    def step(self, event: Stepped) -> None:
        self.steps.append(event.step)
        if event.step == self.at:
            signal.raise_signal(signal.SIGTERM)


def stopped(place: Workshop) -> Told:
    """The first is asked to stop; both do, and go on from what the first has kept."""
    try:
        place.hub.train(place.config, seed=3, watchers=(Rung(7),))
        told = ""
    except Interrupted as error:
        told = str(error)
    states = len(list(place.folder.glob("store/runs/*/state.safetensors")))
    going = Rung(0)
    done = train(place, seed=3, watchers=(going,))
    whole = train(place, seed=3, name="ada/whole", restart=True)
    return {"told": told, "states": states, "steps": going.steps, "going": done, "whole": whole}


def early(place: Workshop) -> Told:
    """A rate so high that no validation is better than an early one."""
    return train(place, name="ada/early", optim={"lr": 0.3, "epochs": 20}, validation={"patience": 2, "metric": "loss"})


def apart(place: Workshop) -> Told:
    """Workers that meet every five steps, validated every third; A frozen and not."""
    how: Told = {"sync": {"every": 5}, "validation": {"every": 3}}
    return {method: train(place, name=f"ada/{method}", adapter={"method": method}, **how) for method in METHODS}


METHODS = ("frozen-a", "lora")
CASES = (two_machines, again, other_rows, no_rows, no_label, other_base, other_rate, stopped, early, apart)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    home = folder / f"host-{RANK}"
    place = Workshop(home, Hub.open(home / "store"))
    found = {case.__name__: case(place) for case in CASES}
    found["names"] = place.names
    (folder / f"{RANK}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

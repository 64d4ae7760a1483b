"""What two processes do together, case by case; each writes what it found. `torchrun -m tests.train.engine.workers`

The same cases run in one process too, so that the two can be compared.
"""

import json
import math
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from adapterhub.errors import Conflict, NotFound, Refused
from adapterhub.train.config import ValidationConfig
from adapterhub.train.engine import checkpoint, optimizer
from adapterhub.train.engine.fit import Interrupted, Run, fit
from adapterhub.train.engine.job import Job
from adapterhub.train.engine.state import Keeper
from adapterhub.train.engine.step import Stepper
from adapterhub.train.engine.world import World, join
from adapterhub.train.resources.precision import Diverged, Precision
from adapterhub.train.watch.record import Watchers
from tests.train.engine.builders import Noted, Remembering, examples, held_out, job, loss, net, weights

Told = dict[str, Any]


def plain(job: Job) -> dict[str, list[float]]:
    return {name: weight.flatten().tolist() for name, weight in weights(job).items()}


def gradients(world: World, folder: Path) -> Told:
    """Loss, norm and gradient of the first step, for several micro-batches."""
    found = {}
    for micro in (16, 4, 3):
        asked = job(clip=None)
        made = Stepper(asked, optimizer.build(asked), Precision("fp32", asked.device), world, micro)
        step = made(0)
        grads = {name: weight.grad.flatten().tolist() for name, weight in asked.trained.items()}
        found[str(micro)] = {"loss": step.loss, "norm": step.norm, "count": step.count, "grads": grads}
    return found


def small_last_batch(world: World, folder: Path) -> Told:
    """17 rows: in the second step one process has nothing to do."""
    asked = job(examples=examples(17), clip=0.1)
    noted = Noted()
    fit(asked, Run(world=world, watchers=Watchers((noted,))))
    return {"weights": plain(asked), "losses": [one.loss for one in noted.of("stepped")]}


def a_part(world: World, folder: Path) -> Told:
    model = net()
    asked = job(model=model, parts=(Remembering(model),), rates={"4.weight": 4.0})
    fit(asked, Run(world=world))
    return {"weights": plain(asked)}


def short_of_memory(world: World, folder: Path) -> Told:
    """Only the last process is short of memory."""
    seen: list[int] = []

    def hungry(model: nn.Module, batch: Any) -> Any:
        seen.append(len(batch["tokens"]))
        if world.rank == world.size - 1 and seen[-1] > 3:
            raise torch.OutOfMemoryError("out of memory")
        return loss(model, batch)

    asked = job(loss=hungry)
    progress = fit(asked, Run(world=world))
    return {"weights": plain(asked), "micro": progress.micro, "seen": seen[:12]}


def no_number(world: World, folder: Path) -> Told:
    """A row is NaN; whoever has it, all say the same."""
    rows = examples(48)
    first = job(examples=rows).batches.at(0)
    rows[first[1]][0][0, 0] = math.nan
    try:
        fit(job(examples=rows, place=lambda index: f"row {index}"), Run(world=world))
    except Diverged as error:
        return {"told": str(error), "bad": first[1]}
    return {}


def stopped(world: World, folder: Path) -> Told:
    """The last process alone is asked to stop, in its second step; then all go on, with the file at the first only."""
    calls: list[int] = []

    def rung(model: nn.Module, batch: Any) -> Any:
        calls.append(1)
        if world.rank == world.size - 1 and len(calls) == 2:
            signal.raise_signal(signal.SIGTERM)
        return loss(model, batch)

    keeper = Keeper(folder / f"machine-{world.rank}-of-{world.size}" / "state.safetensors", {"data": "d"})
    told = ""
    try:
        fit(job(loss=rung), Run(world=world, keeper=keeper))
    except Interrupted as error:
        told = str(error)
    there = keeper.path.exists()
    going, whole = job(), job()
    fit(going, Run(world=world, keeper=keeper))
    fit(whole, Run(world=world))
    return {"told": told, "there": there, "going": plain(going), "whole": plain(whole)}


def another_run(world: World, folder: Path) -> Told:
    """The first finds a checkpoint of another run; all hear it."""
    path = folder / f"other-{world.rank}-of-{world.size}" / "state.safetensors"
    if world.first:
        checkpoint.save(path, checkpoint.Checkpoint({}, {"identity": {"data": "e"}, "progress": {}}))
    try:
        fit(job(), Run(world=world, keeper=Keeper(path, {"data": "d"})))
    except Conflict as error:
        return {"told": str(error), "hint": error.hint}
    return {}


def other_beginnings(world: World, folder: Path) -> Told:
    """Processes whose weights differ begin with those of the first."""
    asked = job()
    with torch.no_grad():
        for weight in asked.trained.values():
            weight.add_(world.rank)
    fit(asked, Run(world=world))
    return {"weights": plain(asked)}


class Low(nn.Module):
    """B·A beside nothing; A frozen or not."""

    def __init__(self, frozen: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        random = torch.Generator().manual_seed(0)
        self.A = nn.Parameter(torch.randn(2, 6, generator=random), requires_grad=not frozen)
        self.B = nn.Parameter(torch.randn(3, 2, generator=random))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.drop(tokens) @ self.A.T @ self.B.T


def low(frozen: bool, dropout: float = 0.0, **more: Any) -> Job:
    """18 steps, a meeting every four, a validation every three."""
    model = Low(frozen, dropout)
    how = {"sync": 4, "steps": 18, "epochs": None, "validation": ValidationConfig(every=3, keep="last")}
    return job(
        model=model,
        factors=lambda: [(model.A, model.B)],
        validate=held_out(model),
        metric="accuracy",
        **(how | more),
    )


def apart(world: World, folder: Path) -> Told:
    """Train apart and meet, with A frozen and not."""
    found = {}
    for frozen in (True, False):
        asked, noted = low(frozen), Noted()
        progress = fit(asked, Run(world=world, watchers=Watchers((noted,))))
        validations = [one.step for one in noted.of("validated")]
        found[f"frozen {frozen}"] = {"weights": plain(asked), "gap": progress.gap, "validated": validations}
    return found


def parts_apart(world: World, folder: Path) -> Told:
    """A part that saw other gradients than the others' remembers what the first's does after a meeting."""
    model = net()
    part = Remembering(model)
    asked = job(model=model, parts=(part,), sync=2, steps=2, epochs=None)
    fit(asked, Run(world=world))
    return {"weights": plain(asked), "memory": part.smooth.flatten().tolist()}


def stopped_apart(world: World, folder: Path) -> Told:
    """The last process alone is asked to stop, in its sixth step, between two meetings."""
    calls: list[int] = []

    def rung(model: nn.Module, batch: Any) -> Any:
        calls.append(1)
        if world.rank == world.size - 1 and len(calls) == 6:
            signal.raise_signal(signal.SIGINT)
        return loss(model, batch)

    keeper, told = Keeper(folder / f"apart-{world.size}.safetensors"), ""
    try:
        fit(low(False, loss=rung), Run(world=world, keeper=keeper))
    except Interrupted as error:
        told = str(error)
    going = low(False)
    fit(going, Run(world=world, keeper=keeper))
    return {"told": told, "weights": plain(going)}


def one_is_wrong(world: World, folder: Path) -> Told:
    """Something goes wrong in the last process only, in what all do for themselves."""

    def make() -> str:
        if world.rank == world.size - 1:
            raise NotFound("rows.csv: no such file", hint="look again")
        return "made"

    try:
        return {"made": world.each(make)}
    except NotFound as error:
        return {"told": str(error), "hint": error.hint, "elsewhere": error.elsewhere}


def the_first_is_wrong(world: World, folder: Path) -> Told:
    """The first has a fault that is none of ours."""
    try:
        world.of_first(lambda: 1 // 0)
    except Exception as error:
        return {"kind": type(error).__name__, "told": str(error)}
    return {}


def one_is_no_number(world: World, folder: Path) -> Told:
    """Processes train apart, and the last one's loss is no number in its sixth step; they meet after the eighth."""
    calls: list[int] = []

    def bad(model: nn.Module, batch: Any) -> Any:
        calls.append(1)
        total, count = loss(model, batch)
        return (total * math.nan if world.rank == world.size - 1 and len(calls) >= 6 else total), count

    noted = Noted()
    try:
        fit(low(False, loss=bad), Run(world=world, watchers=Watchers((noted,))))
    except Diverged as error:
        return {"told": str(error), "steps": len(noted.of("stepped"))}
    return {}


def one_example_is_too_much(world: World, folder: Path) -> Told:
    """Only the last process is short of memory, and for a single example too."""

    def hungry(model: nn.Module, batch: Any) -> Any:
        if world.rank == world.size - 1:
            raise torch.OutOfMemoryError("out of memory")
        return loss(model, batch)

    try:
        fit(job(loss=hungry), Run(world=world))
    except Refused as error:
        return {"told": str(error), "elsewhere": error.elsewhere}
    return {}


CASES = (
    gradients, small_last_batch, a_part, short_of_memory, no_number, stopped, another_run, other_beginnings, apart,
    parts_apart, stopped_apart, one_is_wrong, the_first_is_wrong, one_is_no_number, one_example_is_too_much,
)  # fmt: skip


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    world = join()
    found = {case.__name__: case(world, folder) for case in CASES}
    (folder / f"{world.size}-{world.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

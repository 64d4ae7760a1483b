"""What a run must remember to go on as if it had never been cut: weights, moments, parts, and the best so far.

Dice need no memory: each is thrown anew from the seed and the step.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor

from adapterhub.document import canonical
from adapterhub.errors import Conflict
from adapterhub.train.engine import checkpoint, optimizer
from adapterhub.train.engine.checkpoint import Checkpoint
from adapterhub.train.engine.job import Job
from adapterhub.train.engine.progress import Progress
from adapterhub.train.engine.shape import shape_words
from adapterhub.train.engine.world import ALONE, World
from adapterhub.train.resources.precision import Precision

__all__ = ["Keeper", "State"]


@final
@dataclass
class State:
    """Everything that changes while a job runs."""

    job: Job
    optimizer: torch.optim.Optimizer
    precision: Precision
    progress: Progress = field(default_factory=Progress)
    best: dict[str, Tensor] = field(default_factory=dict)

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """All of it that is tensors, under names."""
        for name, weight in self.job.trained.items():
            yield f"weights/{name}", weight
        for name, moment in optimizer.state(self.optimizer, self.job.trained):
            yield f"optimizer/{name}", moment
        for number, part in enumerate(self.job.parts):
            for name, value in part.state().items():
                yield f"part {number}/{name}", value
        for name, value in self.precision.state().items():
            yield f"precision/{name}", value
        for name, value in self.best.items():
            yield f"best/{name}", value

    def restore(self, found: Checkpoint) -> None:
        """Take back all of it."""
        self.put(found.part("weights"))
        optimizer.restore(self.optimizer, self.job.trained, found.part("optimizer"))
        for number, part in enumerate(self.job.parts):
            part.restore(found.part(f"part {number}"))
        self.best = found.part("best")
        self.progress = Progress.model_validate(found.plain["progress"])
        self.precision.restore(found.part("precision"))

    def put(self, weights: Mapping[str, Tensor]) -> None:
        """Give the trained parameters these values."""
        trained = self.job.trained
        then, now = ({name: value.shape for name, value in tensors.items()} for tensors in (weights, trained))
        if odd := [name for name in then.keys() | now.keys() if then.get(name) != now.get(name)]:
            name = min(odd)
            raise Conflict(
                f"the state of the run holds other parameters than the model: {name}: {shape_words(then.get(name))} "
                f"then, {shape_words(now.get(name))} now",
                hint="the model's code or a library changed since: begin again with --restart",
            )
        with torch.no_grad():
            for name, value in weights.items():
                trained[name].copy_(value)

    def remember(self) -> None:
        """The weights as they are now are the best."""
        self.best = {name: weight.detach().cpu().clone() for name, weight in self.job.trained.items()}


@final
@dataclass(frozen=True)
class Keeper:
    """Where the state of a run is kept, and whose it is: what must be the same when it goes on."""

    path: Path
    identity: Mapping[str, Any] = field(default_factory=dict)

    def load(self, state: State, world: World = ALONE) -> bool:
        """Take back what was kept, if there is something; `Conflict` where it is of another run.

        The first process reads, and tells the others, whose machines may not have the file.
        """
        found: Checkpoint | None = world.of_first(self.read)
        if found is not None:
            state.restore(found)
        return found is not None

    def read(self) -> Checkpoint | None:
        """What was kept, if anything; `Corrupt` where it is damaged, `Conflict` where it is of another run."""
        found = checkpoint.load(self.path)
        known = found.plain["identity"] if found else self._plain
        for key in sorted(known.keys() | self._plain.keys()):
            if known.get(key) != self._plain.get(key):
                raise Conflict(
                    f"{self.path}: the {key} is not what it was at the checkpoint: {_short(known.get(key))} then, "
                    f"{_short(self._plain.get(key))} now",
                    hint="take back the change, or begin again with --restart",
                )
        return found

    @property
    def _plain(self) -> dict[str, Any]:
        """The identity as it is read again: JSON knows lists and no tuples."""
        plain: dict[str, Any] = json.loads(canonical(dict(self.identity)))
        return plain

    def save(self, state: State) -> None:
        """Keep the state; the one before stays until this one is whole."""
        plain = {"identity": dict(self.identity), "progress": state.progress.plain()}
        checkpoint.save(self.path, Checkpoint(dict(state.tensors()), plain))


def _short(value: Any) -> str:
    return str(value)[:80]

"""What an entry keeps for whoever goes on from it, beside its weights.

optimizer.safetensors   `keep_optimizer`: the optimiser's moments and step counts after the last step
continual.safetensors   `continual.ewc`: F of all tasks so far, that of this one estimated at the end of the run
replay.jsonl            `continual.sample`: rows of all tasks so far
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adapterhub.errors import WrongUsage
from adapterhub.finding import Finding
from adapterhub.formats.continued import FISHER, OPTIMIZER, REPLAY
from adapterhub.formats.safetensors_write import write as write_tensors
from adapterhub.train.config import TrainConfig
from adapterhub.train.continual import ewc, replay
from adapterhub.train.earlier import Earlier
from adapterhub.train.engine import checkpoint
from adapterhub.train.engine.dice import order
from adapterhub.train.methods.write import raw
from adapterhub.train.resources.device import move
from adapterhub.train.tasks.table import wanted_columns

if TYPE_CHECKING:
    from adapterhub.train.data.table import Table
    from adapterhub.train.prepare import Prepared
    from adapterhub.train.task import Batch

__all__ = ["insist_on_kept", "keep_fisher", "keep_optimizer", "keep_sample", "mixed", "sample_of"]


def insist_on_kept(config: TrainConfig) -> None:
    """`WrongUsage` where something is to be kept that a whole model has no place for."""
    asked = {"keep_optimizer": config.keep_optimizer, **dict(config.continual)}
    said = [name if name == "keep_optimizer" else f"continual.{name}" for name in OF_ADAPTERS if asked[name]]
    if said and config.adapter.method == "full":
        raise WrongUsage(
            f"{said[0]}: only an adapter is trained on by --continue, and adapter.method is full",
            hint="leave it out; a model is trained on where it is the config's base",
        )


OF_ADAPTERS = ("keep_optimizer", "replay", "ewc", "olora", "sample")


def sample_of(earlier: Earlier | None, unpacked: Path) -> replay.Sample:
    """The rows an entry keeps; pictures and sounds are unpacked into a folder."""
    path = earlier.file(REPLAY) if earlier else None
    if earlier is None or path is None:
        return replay.Sample()
    return replay.read(path.read_bytes(), unpacked, f"{earlier.name}: {REPLAY}")


def mixed(train: "Table", config: TrainConfig, sample: replay.Sample) -> "Table":
    """The training rows, and behind them those of earlier tasks that are learned again."""
    return replay.mix(train, sample, config.continual.replay, wanted_columns(config), seed=config.seed)


def keep_sample(folder: Path, config: TrainConfig, own: "Table", earlier: replay.Sample) -> Finding | None:
    """Write rows of all tasks so far, `own` being those of this one; the finding says that they can be read."""
    if not config.continual.sample:
        return None
    sample = replay.keep(own, config.continual.sample, wanted_columns(config), seed=config.seed, earlier=earlier)
    (folder / REPLAY).write_bytes(replay.write(sample))
    return Finding(
        check="rows-in-entry",
        severity="info",
        place=REPLAY,
        message=f"{len(sample)} rows of {len(sample.tasks)} task{'s' * (len(sample.tasks) > 1)} are kept in the entry: "
        "whoever can read it can read them",
        remedy="where that may not be, leave continual.sample out and train again",
    )


def keep_fisher(folder: Path, ready: "Prepared", own: "Table", earlier: Earlier | None) -> None:
    """Write what the tasks so far needed, estimated on some of the rows of this one and added to what was known."""
    asked = ready.config.continual
    if not asked.ewc:
        return
    chosen = order(len(own), ready.config.seed, 0)[: asked.fisher]
    examples = ready.task.examples(own.take(sorted(chosen)))
    fisher = ewc.estimate(ready.job.model, ready.task.loss, _singles(ready, examples))
    known = earlier.file(FISHER) if earlier else None
    ewc.save(ewc.added(ewc.load(known), {name: value.cpu() for name, value in fisher.items()}) if known else fisher,
             folder / FISHER)  # fmt: skip


def keep_optimizer(folder: Path, config: TrainConfig, state: Path) -> None:
    """Write the optimiser's part of the last checkpoint of the run."""
    if config.keep_optimizer and (last := checkpoint.load(state)):
        write_tensors({name: raw(tensor) for name, tensor in last.part("optimizer").items()}, folder / OPTIMIZER)


def _singles(ready: "Prepared", examples: "Sequence[object]") -> "Iterator[Batch]":
    for example in examples:
        yield move(ready.task.collate([example]), ready.job.device)

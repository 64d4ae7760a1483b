"""From a config to a job: rows are read, the task learns its labels, the base is opened and made trainable.

Every mistake that can be seen before the first step is seen here, the cheap ones first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import torch
from pydantic import ValidationError

from adapterhub.errors import WrongUsage
from adapterhub.finding import Finding
from adapterhub.train.config import DataConfig, TrainConfig
from adapterhub.train.data.columns import insist
from adapterhub.train.data.split import Splits, splits
from adapterhub.train.engine.batches import Batches
from adapterhub.train.engine.dice import throw
from adapterhub.train.engine.job import Job, Loss
from adapterhub.train.engine.world import ALONE, World
from adapterhub.train.follow import begin, lay_under, moments
from adapterhub.train.measure import measure
from adapterhub.train.methods.attached import Attached
from adapterhub.train.methods.targets import whole
from adapterhub.train.odd import guessed, odd
from adapterhub.train.resources.device import move, pick
from adapterhub.train.resources.micro import within_memory
from adapterhub.train.tasks.opening import drawn
from adapterhub.train.tasks.table import prepare as task_of
from adapterhub.train.tasks.table import wanted_columns

if TYPE_CHECKING:
    from adapterhub.train.earlier import Earlier
    from adapterhub.train.task import Task

__all__ = ["Prepared", "prepare", "read_rows", "resolved"]

LOOKED_AT = 8
"""Batches an initialisation that looks at data may see."""

SMALLER = "a smaller base or a device with more memory; where it is the accelerator's, adapter.quantize: int8 or nf4"
NARROWER = "a smaller adapter.rank, fewer adapter.targets, or adapter.quantize: int8"


@final
@dataclass(frozen=True)
class Prepared:
    """A job with what it was made of. `config` says what was read off the data too."""

    config: TrainConfig
    rows: Splits
    task: "Task"
    attached: Attached
    job: Job
    lengths: Sequence[int]
    measured: Sequence[Any] | None
    """The examples the result is measured on: those of the test, else of validation, if there are any."""
    held_out: Sequence[Any] | None = None
    """Those of validation."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is odd about the settings, now that the model is known."""
        return (*odd(self.config, self.attached.changed, self.job.steps), *guessed(self.job))


def read_rows(config: TrainConfig, folder: Path) -> Splits:
    """The rows of a config whose paths are relative to `folder`, with the columns the task wants."""
    wanted = wanted_columns(config)
    found = splits(config.data, folder, wanted)
    for table in (found.train, found.validation, found.test):
        if table is not None:
            insist(table, wanted)
    return found


def prepare(
    config: TrainConfig,
    folder: Path,
    base: Path,
    world: World = ALONE,
    rows: Splits | None = None,
    earlier: "Earlier | None" = None,
) -> Prepared:
    """A job over the base in a folder. Raises what is wrong: `WrongUsage`, `NotFound`, `DoesNotFit`, `OutOfMemory`.

    earlier: the adapter the run goes on from, whose labels the config has (`Earlier.told`).
    """
    device = pick(config.device, process=world.local_rank)
    rows = rows or read_rows(config, folder)
    task = task_of(config, base, rows.train, folder=folder)
    config = resolved(config, task)
    throw(config.seed, "head")
    loaded = partial(within_memory, f"the base does not fit on {device}", hint=SMALLER)
    with loaded():
        model = task.open(base)
    examples = task.examples(rows.train)
    if not examples:
        raise WrongUsage(f"{rows.train.name}: no row can be learnt from", hint="see the rows that were left out")
    held_out = None if rows.validation is None else task.examples(rows.validation)
    tested = None if rows.test is None else task.examples(rows.test)
    if earlier and config.continual.olora:
        lay_under(model, earlier)
    if not config.adapter.quantize:  # what is to be held in fewer bits comes to the device in those
        with loaded():
            model.to(device)
    with within_memory(f"an adapter of rank {config.adapter.rank} does not fit beside the base", hint=NARROWER):
        attached = _attach(config, task, model, examples)
        attached.model.to(device)
    if earlier:
        attached = begin(attached, earlier, config)
    if config.optim.activation_checkpointing:
        _checkpoint_activations(model)
    job = Job(
        model=attached.model,
        loss=_loss(config, task),
        examples=examples,
        collate=task.collate,
        seed=config.seed,
        optim=config.optim,
        rates=attached.rates,
        parts=attached.parts,
        validate=(lambda: measure(task, attached.model, held_out, device, world).metrics) if held_out else None,
        validation=config.validation,
        metric=task.metric,
        less_is_better=getattr(task, "less_is_better", None),
        place=rows.train.place if len(examples) == len(rows.train) else "example {}".format,
        device=device,
        sync=config.sync.every if config.sync and world.size > 1 else None,
        factors=attached.factors,
    )
    if earlier and not config.continual.olora:
        job = replace(job, moments=moments(earlier, job.trained))
    lengths = [task.length(example) for example in examples]
    return Prepared(config, rows, task, attached, job, lengths, held_out if tested is None else tested, held_out)


def resolved(config: TrainConfig, task: "Task") -> TrainConfig:
    """The config with what the task learned from the rows; `WrongUsage` where no config could say that."""
    try:
        data = DataConfig.model_validate({**config.data.model_dump(), **task.learned})
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
        raise WrongUsage(
            f"{config.task}: what it learned from the rows cannot stand in data: {what}, got {first['input']!r:.80}",
            hint="the `learned` of a task holds fields of data as a config says them; labels are texts, none empty",
        ) from None
    return config.model_copy(update={"data": data})


def _loss(config: TrainConfig, task: "Task") -> Loss:
    """The task's, or that of adversarial training."""
    if config.robust is None:
        return task.loss
    from adapterhub.train.robust.attack import attacked

    return attacked(task.loss, config.robust, limits=getattr(task, "limits", None))


def _attach(config: TrainConfig, task: "Task", model: "torch.nn.Module", examples: Sequence[Any]) -> Attached:
    from adapterhub.train.methods.table import attach

    heads = task.heads(model) if config.adapter.heads is None else config.adapter.heads
    _insist_on_saved(model, heads, config)
    batches = Batches(len(examples), config.optim.batch, config.seed)
    steps = batches.length(config.optim)
    seen = _seen(task, batches, examples, next(model.parameters()).device)
    what = f"adapter.init: {config.adapter.init} looks at {config.optim.batch} examples at once, which do not fit"
    forward = within_memory(what, hint="a smaller optim.batch or data.max_length, or another init")(task.loss)
    return attach(model, config, heads, peft_type=task.peft_type, steps=steps, batches=seen, forward=forward)


def _insist_on_saved(model: "torch.nn.Module", heads: Sequence[str], config: TrainConfig) -> None:
    """`WrongUsage` where something the base has no weights for would be drawn, and would not be saved."""
    if config.adapter.method == "full":
        return
    saved = tuple(f"{path}." for path in whole(model, heads))
    if lost := [path for path in drawn(model) if not f"{path}.".startswith(saved)]:
        raise WrongUsage(
            f"adapter.heads: {config.base} has no weights for {', '.join(lost)}: drawn anew, they must be saved with "
            f"the adapter, and the heads are {', '.join(heads) or 'none'}",
            hint=f"adapter.heads: [{', '.join(dict.fromkeys((*heads, *lost)))}], or leave heads out",
        )


def _seen(task: "Task", batches: Batches, examples: Sequence[Any], device: torch.device) -> Iterator[Any]:
    """Some batches, for an initialisation that looks at data; none is made unless it is asked for."""
    for step in islice(range(batches.per_epoch), LOOKED_AT):
        yield move(task.collate([examples[index] for index in batches.at(step)]), device)


def _checkpoint_activations(model: Any) -> None:
    """Let blocks compute their activations twice; transformers has called it otherwise before 5.20."""
    names = ("activation_checkpointing_enable", "gradient_checkpointing_enable")
    enable = next((found for name in names if (found := getattr(model, name, None))), None)
    if enable is None:
        raise WrongUsage(
            f"optim.activation_checkpointing: {type(model).__name__} does not offer it",
            hint="leave it out, and take a smaller optim.micro_batch",
        )
    enable({"use_reentrant": False})

"""The tasks there are: one module and one line of the table each; and the door to a task of one's own."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, final

from adapterhub.errors import WrongUsage
from adapterhub.train.config import DataConfig, TrainConfig
from adapterhub.train.task import Task
from adapterhub.train.tasks.own import own_task

if TYPE_CHECKING:
    from adapterhub.train.data.table import Table

__all__ = ["TASKS", "TaskRow", "prepare", "wanted_columns"]


@final
@dataclass(frozen=True)
class TaskRow:
    """A row of the table: what the task reads, as fields of `data`. A column is called like its field by default."""

    about: str
    reads: tuple[tuple[str, ...], ...]
    """The fields it needs; of several lists, the one whose fields the config names, else the first."""
    metric: str
    """What is compared, unless the config says another."""
    optional: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """What `task_options` may say."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field it can read, each once."""
        return tuple(dict.fromkeys(field for way in (*self.reads, self.optional) for field in way))


TASKS = {
    "text-classification": TaskRow("a label for each text", (("text", "label"),), "accuracy", optional=("text_pair",)),
    "causal-lm": TaskRow(
        "what comes next in a text", (("prompt", "completion"), ("text",), ("messages",)), metric="loss"
    ),
    "image-classification": TaskRow("a label for each picture", (("image", "label"),), "accuracy"),
    "audio-classification": TaskRow("a label for each sound", (("audio", "label"),), "accuracy"),
    "token-classification": TaskRow("a tag for each word", (("tokens", "tags"),), "f1"),
    "extractive-qa": TaskRow("where in a text the answer stands", (("question", "context", "answer"),), "f1"),
    "seq2seq": TaskRow("a text for each text", (("source", "target"),), "loss", options=("generate",)),
}

COLUMNS = tuple(name for name, field in DataConfig.model_fields.items() if field.annotation == str | None)


def prepare(config: TrainConfig, base: Path, train: "Table | None", *, folder: Path | None = None) -> Task:
    """The task of a config over the base in a folder: tokenizer read, labels known.

    Without training rows (a model is only measured) `config.data.labels` says the labels. `module:function` is looked
    for in `folder`, that of the config, besides where Python looks.
    """
    if ":" in config.task:
        return own_task(config, base, train, folder or Path.cwd())
    options = row(config.task).options
    if strange := [name for name in config.task_options if name not in options]:
        raise WrongUsage(
            f"task_options.{strange[0]}: {config.task} has no such option",
            hint=f"it has {', '.join(options) or 'none'}",
        )
    module = import_module(f"adapterhub.train.tasks.{config.task.replace('-', '_')}")
    task: Task = module.prepare(config, base, train)
    return task


def row(word: str) -> TaskRow:
    """The row of a task; `WrongUsage` for a word that is none."""
    if word in TASKS:
        return TASKS[word]
    close = difflib.get_close_matches(word, TASKS, n=2, cutoff=0.5)
    known = ", ".join(TASKS)
    raise WrongUsage(
        f"no task is called {word!r}; there are {known}",
        hint=f"did you mean {' or '.join(close)}?" if close else "a task of one's own is written module:function",
    )


def wanted_columns(config: TrainConfig) -> Mapping[str, str]:
    """Field of `data` -> the column it stands for, for all the task reads; of one's own task, all the config names."""
    named = {field: column for field in COLUMNS if (column := getattr(config.data, field)) is not None}
    if ":" in config.task:
        return named
    task = row(config.task)
    if strange := [field for field in named if field not in task.fields]:
        raise WrongUsage(
            f"data.{strange[0]}: {config.task} reads no such column; it reads {', '.join(task.fields)}",
            hint=f"leave data.{strange[0]} out, or choose another task",
        )
    way = next((way for way in task.reads if named.keys() & {*way}), task.reads[0])
    if mixed := [field for field in named if field not in (*way, *task.optional)]:
        raise WrongUsage(
            f"data.{mixed[0]} and data.{next(f for f in way if f in named)}: {config.task} reads one or the other",
            hint=f"name one of: {'; '.join(' + '.join(one) for one in task.reads)}",
        )
    return {field: named.get(field, field) for field in (*way, *task.optional) if field in way or field in named}

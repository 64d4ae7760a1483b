"""A task of one's own, `module:function`: the function is called with (config, base, train) and gives the task."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.errors import AdapterHubError, WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.task import Task

if TYPE_CHECKING:
    from adapterhub.train.data.table import Table

__all__ = ["own_task"]

MEMBERS = tuple(sorted(name for name in vars(Task) if not name.startswith("_")))


def own_task(config: TrainConfig, base: Path, train: "Table | None", folder: Path) -> Task:
    """What the function of `module:function` makes; modules in `folder` can be imported from now on."""
    word = config.task
    module, _, name = word.partition(":")
    if str(folder) not in sys.path:
        # At the end: a file of the person's may not stand before a library's module of the same name.
        sys.path.append(str(folder))
    found = _run(word, lambda: import_module(module), f"looked for in {folder} and where Python looks")
    make = getattr(found, name, None)
    if not callable(make):
        raise WrongUsage(
            f"{word}: module {module} has no function {name!r}", hint=f"define {name}(config, base, train) there"
        )
    task: Task = _run(word, lambda: make(config, base, train), "it was called with (config, base, train)")
    if missing := [member for member in MEMBERS if not hasattr(task, member)]:
        raise WrongUsage(
            f"{word} gave a {type(task).__name__} without {', '.join(missing)}",
            hint="adapterhub.train.task.Task says what each member of a task is",
        )
    return task


def _run(word: str, deed: Callable[[], Any], hint: str) -> Any:
    """What somebody else's code gives; what it raises is told as theirs."""
    try:
        return deed()
    except AdapterHubError:
        raise
    except Exception as error:
        raise WrongUsage(f"{word}: {type(error).__name__}: {error}", hint=hint) from error

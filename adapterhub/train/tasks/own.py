"""A task of one's own, `module:function`: the function is called with (config, base, train) and gives the task."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from adapterhub.errors import WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.task import Task

if TYPE_CHECKING:
    from adapterhub.train.data.table import Table

__all__ = ["own_task"]

MEMBERS = tuple(sorted(name for name in vars(Task) if not name.startswith("_")))
PLAIN = {
    "learned": (Mapping, "a mapping"),
    "less_is_better": (bool | None, "True or False"),
    "metric": (str, "a text"),
    "peft_type": (str | None, "a text or None"),
}
"""The members that are no functions, and what they are; `less_is_better` need not be there."""


def own_task(config: TrainConfig, base: Path, train: "Table | None", folder: Path) -> Task:
    """What the function of `module:function` makes; modules in `folder` can be imported from now on.

    Errors of the module, of the function and of every member of the task are `WrongUsage`, told as theirs.
    """
    from adapterhub.train.tasks.theirs import Theirs, run

    word = config.task
    module, _, name = word.partition(":")
    if str(folder) not in sys.path:
        # At the end: a file of the person's may not stand before a library's module of the same name.
        sys.path.append(str(folder))
    found = run(word, _module, word, module, folder)
    make = getattr(found, name, None)
    if not callable(make):
        raise WrongUsage(
            f"{word}: module {module} has no function {name!r}", hint=f"define {name}(config, base, train) there"
        )
    task: Task = run(word, make, config, base, train, hint="it was called with (config, base, train)")
    run(word, _insist, word, task)
    return Theirs(word, task)


def _module(word: str, name: str, folder: Path) -> ModuleType:
    """The module itself; one that it imports and that is not there is a mistake of its own."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise WrongUsage(f"{word}: {error}", hint=f"looked for in {folder} and where Python looks") from None


def _insist(word: str, task: Task) -> None:
    """All members are there, and those that are no functions are what they must be."""
    hint = "adapterhub.train.task.Task says what each member of a task is"
    if missing := [member for member in MEMBERS if not hasattr(task, member)]:
        raise WrongUsage(f"{word} gave a {type(task).__name__} without {', '.join(missing)}", hint=hint)
    for member, (kind, wanted) in PLAIN.items():
        if hasattr(task, member) and not isinstance(found := getattr(task, member), kind):
            raise WrongUsage(f"{word}: {member} is {found!r}, wanted {wanted}", hint=hint)

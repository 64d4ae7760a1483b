"""The programs that can be told of a run (`report: [tensorboard]`), and what happens when one of them fails.

A program is asked before a run begins: what is missing then is an error. Once steps are made it can do no more harm:
its first fault switches it off, and is told when the run is over.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast, final

from adapterhub.errors import Refused, WrongUsage
from adapterhub.finding import Finding
from adapterhub.train.watch.record import Begun, Ended, Stepped, Validated, Watcher

__all__ = ["PLUGS", "Guarded", "check", "plugs"]

Told = TypeVar("Told", Stepped, Validated, Ended)

PLUGS = {
    "tensorboard": ("tensorboard", "torch.utils.tensorboard"),
    "mlflow": ("mlflow-skinny", "mlflow"),
    "wandb": ("wandb", "wandb"),
}
"""Name -> what is installed for it, what is imported of it. The plug is `Plug` in the module of that name."""


def check(names: Iterable[str]) -> None:
    """`Refused` for a program that is not installed, before anything runs."""
    for name in names:
        if name not in PLUGS:
            raise WrongUsage(f"report: no such program: {name}", hint=f"there are {', '.join(PLUGS)}")
        package, module = PLUGS[name]
        try:
            import_module(module)
        except ImportError as error:
            raise Refused(
                f"report: {name} cannot be imported: {error}",
                hint=f"pip install {package}, or leave {name} out; log.jsonl is written anyway",
            ) from None


def plugs(names: Iterable[str], folder: Path, config: Mapping[str, Any]) -> "tuple[Guarded, ...]":
    """A watcher for each name; `folder` is where the run's log lies, the config is shown beside the curves."""
    wanted = tuple(names)
    check(wanted)
    return tuple(Guarded(name, _plug(name)(folder, config)) for name in wanted)


def _plug(name: str) -> Callable[[Path, Mapping[str, Any]], Watcher]:
    return cast(
        Callable[[Path, Mapping[str, Any]], Watcher], import_module(f"adapterhub.train.watch.plugs.{name}").Plug
    )


@final
class Guarded:
    """A watcher whose faults do not end a run that has begun."""

    def __init__(self, name: str, watcher: Watcher) -> None:
        self.name, self.watcher = name, watcher
        self.fault = ""

    def begin(self, event: Begun) -> None:
        """`Refused` where the program does not take the run: nothing has been computed yet."""
        try:
            self.watcher.begin(event)
        except Exception as error:
            raise Refused(
                f"report: {self.name} does not take the run: {_said(error)}",
                hint=f"mend that, or leave {self.name} out; log.jsonl is written anyway",
            ) from error

    def step(self, event: Stepped) -> None:
        self._tell(self.watcher.step, event)

    def validated(self, event: Validated) -> None:
        self._tell(self.watcher.validated, event)

    def end(self, event: Ended) -> None:
        self._tell(self.watcher.end, event)

    def _tell(self, tell: Callable[[Told], None], event: Told) -> None:
        if self.fault:
            return
        try:
            tell(event)
        except Exception as error:
            self.fault = f"from step {event.step} on nothing was told: {_said(error)}"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What went wrong, if anything did."""
        remedy = "log.jsonl and curves.png have all of it"
        found = Finding(check="report", severity="warning", place=self.name, message=self.fault, remedy=remedy)
        return (found,) if self.fault else ()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]

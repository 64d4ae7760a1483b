"""What a command line says of a training besides its config."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

from adapterhub.errors import WrongUsage

if TYPE_CHECKING:
    from adapterhub.train.watch.ladder import Rung

__all__ = ["Words", "insist"]

SEARCHED = ("search=", "search.", "optim.lr=", "adapter.rank=", "adapter.alpha=")
"""How fields begin that a search reads or chooses."""


@final
@dataclass(frozen=True)
class Words:
    """What is to be done with a config; the fields are the options of the command."""

    config: Path
    what: Literal["plan", "search", "train"] = "train"
    method: str | None = None
    follows: str | None = None
    memory: str | None = None
    fields: tuple[str, ...] = ()
    restart: bool = False
    checkpoint_every: int | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of the config that get another value."""
        return {**_changes(self.fields), **({"memory": self.memory} if self.memory is not None else {})}

    def again(self, best: "Rung") -> str:
        """The command that trains with what a search found best, and with all else that was said."""
        found = {"optim.lr": best.lr, "adapter.rank": best.rank, "adapter.alpha": best.alpha}
        fields = [f"{name}={value:.12g}" for name, value in found.items() if value is not None]
        kept = [word for word in self.fields if not word.startswith(SEARCHED)]
        said = {"--method": self.method, "--continue": self.follows, "--memory": self.memory}
        named = [*said.items(), *(("--set", word) for word in (*kept, *fields))]
        words = [part for name, value in named if value is not None for part in (name, value)]
        return shlex.join(["adapterhub", "train", str(self.config), *words])


def insist(config: Path | None) -> Path:
    """The config, if there is one."""
    if config is None:
        raise WrongUsage("no config is given", hint="adapterhub train run.yaml --init TASK writes one to begin with")
    return config


def _changes(words: Sequence[str]) -> dict[str, Any]:
    """`optim.lr=1e-3` as {"optim": {"lr": 0.001}}; values are read as YAML."""
    import yaml

    changes: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        path = name.split(".")
        if not equals or not all(path) or len(path) > 2:
            raise WrongUsage(f"--set {word}: wanted FIELD=VALUE", hint="for example --set optim.lr=1e-3")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            why = " ".join(str(error).split())
            raise WrongUsage(f"--set {word}: not readable as YAML: {why}", hint="put text into quotes") from None
        if len(path) == 1:
            changes[name] = value
        else:
            earlier = changes.get(path[0])
            changes[path[0]] = {**(earlier if isinstance(earlier, dict) else {}), path[1]: value}
    return changes

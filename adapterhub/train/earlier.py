"""The adapter a training goes on from, and what can be asked of a run that does.

One head learns all tasks, so they all have the labels of the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from adapterhub.entry import Entry
from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.formats.continued import FISHER
from adapterhub.train.config import TrainConfig

if TYPE_CHECKING:
    from adapterhub.lora.adapter import Adapter

__all__ = ["Earlier"]


@final
@dataclass(frozen=True)
class Earlier:
    """The entry a run goes on from, its files in a folder, and what it is called."""

    name: str
    entry: Entry
    folder: Path

    @cached_property
    def adapter(self) -> "Adapter":
        """What it does, verified."""
        from adapterhub.lora.load import load

        return load(self.entry, self.name)

    @property
    def training(self) -> Mapping[str, Any]:
        """The config it was trained with; nothing for one that was trained elsewhere."""
        found: Mapping[str, Any] = (self.entry.manifest.training or {}).get("config", {})
        return found

    def file(self, name: str) -> Path | None:
        """One of its files, if it has it."""
        return self.folder / name if self.entry.manifest.file(name) else None

    def told(self, config: TrainConfig) -> TrainConfig:
        """The config with the labels of the earlier tasks; raises for what cannot be asked of a run that goes on."""
        self._insist(config)
        known = self.training.get("data", {}).get("labels")
        if known is None:
            return config
        if config.data.labels not in (None, tuple(known)):
            raise DoesNotFit(
                f"--continue {self.name}: data.labels are {', '.join(config.data.labels or ())}, and it was trained "
                f"for {', '.join(known)}",
                hint="one head learns all tasks: name the labels of all in data.labels of the first training",
            )
        return config.model_copy(update={"data": config.data.model_copy(update={"labels": tuple(known)})})

    def _insist(self, config: TrainConfig) -> None:
        asked, adapter = config.continual, config.adapter
        if adapter.method == "full":
            raise DoesNotFit(
                f"--continue {self.name}: full training goes on from a model, not from an adapter",
                hint="name the model as the config's base",
            )
        if asked.olora:
            _insist_on_olora(config)
        elif adapter.init in ("pissa", "olora"):
            raise WrongUsage(
                f"adapter.init: {adapter.init} changes the frozen weights, which {self.name} was not saved for",
                hint="leave adapter.init out: a run that goes on begins with the factors there are",
            )
        if asked.ewc and self.file(FISHER) is None:
            raise WrongUsage(
                f"continual.ewc: {self.name} does not hold what its task needed ({FISHER})",
                hint="train it with continual.ewc above 0 too, which keeps that, or take continual.replay or olora",
            )


def _insist_on_olora(config: TrainConfig) -> None:
    if config.adapter.method != "lora":
        raise WrongUsage(
            f"continual.olora: an adapter of the method {config.adapter.method} does not add up with an earlier one",
            hint="take adapter.method: lora",
        )
    for word, said in (("continual.ewc", config.continual.ewc), ("keep_optimizer", config.keep_optimizer)):
        if said:
            raise WrongUsage(
                f"{word}: with continual.olora a fresh adapter is trained, and what is saved is its sum with the "
                "earlier one, of which the run knows no more than the half",
                hint=f"leave {word} or continual.olora out",
            )

"""Weights & Biases: a run of the project WANDB_PROJECT, on its server or, with WANDB_MODE=offline, beside the log."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.durable import make_folder
from adapterhub.train.watch.plugs.identity import identity
from adapterhub.train.watch.plugs.scalars import flat, scalars
from adapterhub.train.watch.record import Begun, Ended, Event, Stepped, Validated

if TYPE_CHECKING:
    from wandb import Run

__all__ = ["Plug"]


class Plug:
    """A watcher that tells Weights & Biases."""

    run: "Run"

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder, self.config = folder, config

    def begin(self, event: Begun) -> None:
        """Open a run, or go on with that which was cut."""
        import wandb

        make_folder(self.folder)
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or "adapterhub",
            name=event.name or None,
            id=identity(self.folder / "wandb-run", event.step, lambda: secrets.token_hex(8)),
            resume="allow",
            dir=self.folder,
            config=flat(self.config),
            settings=wandb.Settings(console="off", silent=True),  # what is on the terminal is ours
        )
        # Its own counter only goes forward and drops what a run that goes on makes again.
        self.run.define_metric("*", step_metric="step")

    def step(self, event: Stepped) -> None:
        self._tell(event)

    def validated(self, event: Validated) -> None:
        self._tell(event)

    def end(self, event: Ended) -> None:
        self._tell(event)
        self.run.finish(exit_code=int(event.reason in ("interrupted", "failed")))

    def _tell(self, event: Event) -> None:
        self.run.log({"step": event.step, **scalars(event)})

"""TensorBoard: event files in the run's folder, to be looked at with `tensorboard --logdir`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.train.watch.plugs.scalars import flat, scalars
from adapterhub.train.watch.record import Begun, Ended, Event, Stepped, Validated

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["Plug"]


class Plug:
    """A watcher that writes `tensorboard/` in a folder."""

    writer: "SummaryWriter"

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder, self.config = folder / "tensorboard", config

    def begin(self, event: Begun) -> None:
        """Open a file of events; those of a cut run stay beside it."""
        from torch.utils.tensorboard import SummaryWriter

        # A file begins with what is to be forgotten: the steps a cut run made after its last checkpoint.
        self.writer = SummaryWriter(str(self.folder), purge_step=event.step + 1)
        rows = (f"| {name} | `{json.dumps(value)}` |" for name, value in flat(self.config).items())
        self.writer.add_text("config", "\n".join(("| | |", "|---|---|", *rows)), event.step)

    def step(self, event: Stepped) -> None:
        self._tell(event)

    def validated(self, event: Validated) -> None:
        self._tell(event)
        self.writer.flush()

    def end(self, event: Ended) -> None:
        self._tell(event)
        self.writer.close()

    def _tell(self, event: Event) -> None:
        for name, value in scalars(event).items():
            self.writer.add_scalar(name, value, event.step)

"""MLflow: a run on the server (or in the database) that MLFLOW_TRACKING_URI names."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.train.watch.plugs.identity import identity
from adapterhub.train.watch.plugs.scalars import flat, scalars
from adapterhub.train.watch.record import Begun, Ended, Event, Stepped, Validated

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

__all__ = ["Plug"]

AT_ONCE = 100
"""Parameters in one request: what a server takes."""

PATIENCE = 5.0
"""Seconds: no more often is a server asked while steps are made."""

LONGEST = 500
"""Letters of a parameter's value that every server takes."""

STATUS = {"finished": "FINISHED", "no longer better": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}


class Plug:
    """A watcher that writes a run of the experiment MLFLOW_EXPERIMENT_NAME, or `adapterhub`."""

    client: "MlflowClient"
    run: str

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder, self.config = folder, config
        self.waiting: list[Metric] = []
        self.sent = 0.0

    def begin(self, event: Begun) -> None:
        """Open a run, or that which was cut; the parameters of the latter are the same and may be said again."""
        from mlflow import MlflowClient
        from mlflow.entities import Param

        self.client = MlflowClient()
        self.run = identity(self.folder / "mlflow", event.step, lambda: self._new(event))
        self.client.update_run(self.run, status="RUNNING")
        rows = {_name(name): str(value)[:LONGEST] for name, value in flat(self.config).items()}
        params = [Param(name, value) for name, value in rows.items()]
        for start in range(0, len(params), AT_ONCE):
            self.client.log_batch(self.run, params=params[start : start + AT_ONCE])

    def step(self, event: Stepped) -> None:
        self._tell(event)
        if time.monotonic() - self.sent > PATIENCE:
            self._send()

    def validated(self, event: Validated) -> None:
        self._tell(event)
        self._send()

    def end(self, event: Ended) -> None:
        self._tell(event)
        self._send()
        self.client.set_terminated(self.run, status=STATUS[event.reason])

    def _new(self, event: Begun) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or "adapterhub"
        known = self.client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else self.client.create_experiment(name)
        run = self.client.create_run(experiment, run_name=event.name or None, tags={"config": event.config})
        return str(run.info.run_id)

    def _tell(self, event: Event) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        self.waiting += [Metric(_name(name), value, now, event.step) for name, value in scalars(event).items()]

    def _send(self) -> None:
        for start in range(0, len(self.waiting), AT_ONCE):
            self.client.log_batch(self.run, metrics=self.waiting[start : start + AT_ONCE])
        self.waiting, self.sent = [], time.monotonic()


def _name(name: str) -> str:
    """A name as a server takes it: letters, digits, and a few signs."""
    return re.sub(r"[^\w\-. /]", "_", name)

"""What a model is worth before and after it is compressed, and what goes into its layers, on rows of its task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, final

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.reference import is_folder
from adapterhub.train.config import TrainConfig
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.live import Asked, folder_of_base
from adapterhub.verbs.trained import config_in
from adapterhub.verbs.trainings import trainings

if TYPE_CHECKING:
    from torch import device

    from adapterhub.train.compress.observe import Scale
    from adapterhub.train.data.table import Table
    from adapterhub.train.task import Task

__all__ = ["Worth", "worth"]

CALIBRATED = 512
"""Rows activations are calibrated on, at most; ranges change little after some hundred."""


@final
@dataclass(frozen=True)
class Worth:
    """A task and its rows; without any nothing is measured."""

    task: "Task | None" = None
    tables: "Mapping[str, Table]" = field(default_factory=dict)
    device: "device | None" = None

    def seen(self, name: str) -> dict[str, str]:
        """The digest of the rows of this name, if there are some."""
        return {name: str(self.tables[name].rows_digest)} if name in self.tables else {}

    def metrics(self, folder: Path, name: str) -> tuple[dict[str, float], str]:
        """The metrics of the model in a folder, on the rows called data; of one whose head had to be drawn, why none.

        name: what the model is called there.
        """
        if self.task is None or self.device is None or "data" not in self.tables:
            return {}, ""
        from adapterhub.train.compress.load import opened
        from adapterhub.train.measure import measure
        from adapterhub.train.resources.precision import deterministic
        from adapterhub.train.tasks.opening import undrawn

        with deterministic(device=self.device):
            model = opened(self.task, folder).to(self.device)
            try:
                undrawn(model, name)
            except DoesNotFit as error:
                return {}, str(error)
            return measure(self.task, model, self.task.examples(self.tables["data"]), self.device).metrics, ""

    def scales(self, folder: Path, method: str, keep: tuple[str, ...]) -> "dict[str, Scale] | None":
        """The scales of the inputs of its layers, on the rows called inputs; None without them."""
        if self.task is None or self.device is None or "inputs" not in self.tables:
            return None
        from adapterhub.train.compress.load import opened
        from adapterhub.train.compress.observe import observe
        from adapterhub.train.measure import answers
        from adapterhub.train.resources.precision import deterministic

        task, device = self.task, self.device
        examples = task.examples(self.tables["inputs"])[:CALIBRATED]
        with deterministic(device=device):
            model = opened(task, folder).to(device)
            return observe(model, lambda: answers(task, model, examples, device), method, keep)


def worth(
    desk: Desk,
    model: str,
    wanted: Asked | None,
    config: TrainConfig | None,
    rows: Mapping[str, Path | None],
    device: str | None,
) -> Worth:
    """The task of a config, or the one the adapters or the model were trained for, with rows that are read."""
    paths = {name: path for name, path in rows.items() if path is not None}
    if not paths:
        return Worth()
    from adapterhub.train.data.columns import insist
    from adapterhub.train.data.read import media, read
    from adapterhub.train.resources.device import pick
    from adapterhub.train.tasks.table import prepare, wanted_columns

    made_of = [one.entry.manifest for one in wanted.found] if wanted else []
    made_of += [] if is_folder(model) else [desk.find(model)[1].manifest]
    training = None if config else next(trainings(desk, made_of), None)
    config = config or (config_in(training, model) if training else None)
    if config is None:
        raise WrongUsage(
            f"{model}: nothing says what task it was trained for, so its rows cannot be read",
            hint="give a config with task: and data: by --config; `adapterhub train --init TASK` writes one",
        )
    columns = wanted_columns(config)
    tables = {name: read(path, str(path), media(columns)) for name, path in paths.items()}
    for table in tables.values():
        insist(table, columns)
    folder = folder_of_base(desk, model)
    first = next(iter(tables.values()))
    return Worth(prepare(_labelled(config, folder), folder, first), tables, pick(device))


def _labelled(config: TrainConfig, folder: Path) -> TrainConfig:
    """The config with the labels the model itself names, where it says none; else they are those of the rows."""
    from adapterhub.train.tasks.opening import open_config

    known = open_config(folder).id2label
    if config.data.labels or known == {place: f"LABEL_{place}" for place in known}:
        return config
    labels = tuple(known[place] for place in sorted(known))
    return config.model_copy(update={"data": config.data.model_copy(update={"labels": labels})})

"""What a person writes of a training, read and checked as far as words go."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapterhub.errors import WrongUsage
from adapterhub.reference import home_path
from adapterhub.train.config import TrainConfig
from adapterhub.train.tasks.table import wanted_columns
from adapterhub.verbs.desk import PathLike
from adapterhub.verbs.train_fields import meant_by
from adapterhub.verbs.written import Kind, fault, line_of, read_written

__all__ = ["config_of", "read_config"]

CONFIG = Kind("config", "base:, name:, task: and data:", "`adapterhub train run.yaml --init TASK` writes one")
SCHEMA = "`adapterhub schema train-config` prints what it may hold; `adapterhub train --init TASK` an example"

Line = Callable[[Sequence[int | str]], int | None]
"""On which line a field stands, where that is known."""


def read_config(path: PathLike) -> tuple[TrainConfig, Path]:
    """The config in a file, and the folder its paths are relative to."""
    place = home_path(path)
    fields = read_written(place, str(path), CONFIG)
    return config_of(fields, str(path), line=partial(line_of, place)), place.absolute().parent


def config_of(fields: Mapping[str, Any], what: str = "the config", *, line: Line = lambda _: None) -> TrainConfig:
    """A config of plain data; `WrongUsage` with every fault at once, and what a field that is not known is called."""
    from adapterhub.train.methods.table import check

    try:
        config = TrainConfig.model_validate(dict(fields))
    except ValidationError as error:
        told = "; ".join(_told(error, line))
        strange = (one["loc"] for one in error.errors() if one["type"] == UNKNOWN)
        hint = "; ".join((*map(meant_by, strange), SCHEMA))
        raise WrongUsage(f"{what}{', ' if told.startswith('line ') else ': '}{told}", hint=hint) from None
    _check_columns(config, wanted_columns(config))
    check(config)
    _check_validation(config)
    return config


UNKNOWN = "extra_forbidden"


def _told(error: ValidationError, line: Line) -> Iterator[str]:
    """Every fault, behind the line it is on."""
    for one in error.errors():
        found = line(one["loc"])
        place = f"line {found}: " if found else ""
        yield place + (f"{'.'.join(map(str, one['loc']))}: no such field" if one["type"] == UNKNOWN else fault(one))


def _check_columns(config: TrainConfig, wanted: Mapping[str, str]) -> None:
    """`WrongUsage` where a task would learn a column from itself; of one's own task nobody knows."""
    known: dict[str, str] = {}
    for field, column in wanted.items() if ":" not in config.task else ():
        if column in known:
            raise WrongUsage(
                f"data.{known[column]} and data.{field} are both the column {column!r}",
                hint="name the column that is learned, and the one it is learned from",
            )
        known[column] = field


def _check_validation(config: TrainConfig) -> None:
    """`WrongUsage` for what hangs on validation rows where there are none."""
    if config.data.validation not in (None, 0):
        return
    asked = [f"validation.{name}" for name in ("every", "metric", "patience") if getattr(config.validation, name)]
    asked += ["optim.schedule: plateau"] if config.optim.schedule == "plateau" else []
    if asked:
        raise WrongUsage(
            f"{asked[0]} needs validation rows, and data.validation is not given",
            hint="data.validation: 0.1 sets a tenth of the training rows aside",
        )

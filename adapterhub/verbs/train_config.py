"""What a person writes of a training, read and checked as far as words go."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from adapterhub.errors import WrongUsage
from adapterhub.reference import home_path
from adapterhub.train.config import TrainConfig
from adapterhub.train.tasks.table import wanted_columns
from adapterhub.verbs.desk import PathLike
from adapterhub.verbs.written import Kind, faults, read_written

__all__ = ["config_of", "read_config"]

CONFIG = Kind("config", "base:, name:, task: and data:", "`adapterhub train run.yaml --init TASK` writes one")
SCHEMA = "`adapterhub schema train-config` prints what it may hold; `adapterhub train --init TASK` an example"


def read_config(path: PathLike) -> tuple[TrainConfig, Path]:
    """The config in a file, and the folder its paths are relative to."""
    place = home_path(path)
    return config_of(read_written(place, str(path), CONFIG), str(path)), place.absolute().parent


def config_of(fields: Mapping[str, Any], what: str = "the config") -> TrainConfig:
    """A config of plain data; `WrongUsage` with every fault at once, and a near word for one that is not known."""
    from adapterhub.train.methods.table import check

    try:
        config = TrainConfig.model_validate(dict(fields))
    except ValidationError as error:
        near = "; ".join(_near(error))
        raise WrongUsage(f"{what}: {'; '.join(faults(error))}", hint=f"{near}{SCHEMA}") from None
    wanted_columns(config)
    check(config)
    _check_validation(config)
    return config


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


def _near(error: ValidationError) -> Iterator[str]:
    for one in error.errors():
        *path, word = one["loc"]
        if one["type"] == "extra_forbidden" and (close := difflib.get_close_matches(str(word), _known(path), n=1)):
            yield f"{'.'.join(map(str, one['loc']))}: did you mean {close[0]}? "


def _known(path: list[int | str]) -> list[str]:
    model: Any = TrainConfig
    for word in path:
        inner = model.model_fields[word].annotation
        kinds = (inner, *getattr(inner, "__args__", ()))
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)

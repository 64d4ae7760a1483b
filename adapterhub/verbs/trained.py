"""What a run leaves in its entry: config, seed, data, builds and cost, without a trace of this machine."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adapterhub.errors import Refused
from adapterhub.train.config import TrainConfig
from adapterhub.verbs.shown import Shown
from adapterhub.verbs.written import faults

if TYPE_CHECKING:
    from adapterhub.train.engine.progress import Progress
    from adapterhub.train.prepare import Prepared

__all__ = ["Trained", "config_in", "cost_of", "decisive", "machine_of", "portable", "training_of", "words_of"]

LIBRARIES = ("adapterhub", "torch", "transformers", "peft", "tokenizers", "safetensors", "numpy", "torchao")
IDLE = ("report", "memory", "search")
"""Fields that decide nothing of a result."""

OURS = ("name", "base", "device", *IDLE)
"""Fields that say nothing about the result, or that the manifest says elsewhere."""


class Trained(Shown):
    """An entry that was trained. `run` is the folder with the log and the curves, on this machine."""

    run: str = ""
    steps: int = 0
    best_step: int | None = None
    validation: dict[str, float] = {}
    sync_gap: float | None = None
    """What averaging workers lost where they met, of the mean of their products, at most; 0 where A is frozen."""
    again: bool = False
    """Whether this very run had been published before, and nothing was trained."""


def decisive(config: TrainConfig) -> dict[str, Any]:
    """What of a config decides a result, or where it goes, as plain data."""
    return {key: value for key, value in config.plain().items() if key not in IDLE}


def portable(config: TrainConfig, digests: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A config as a manifest holds it: files by the digests of their bytes, no names of this registry."""
    plain = {key: value for key, value in config.plain().items() if key not in OURS}
    data = dict(plain["data"])
    for split in ("train", "validation", "test"):
        if isinstance(data.get(split), str):
            data[split] = digests[split]["file"]
    return {**plain, "data": data}


def config_in(training: Mapping[str, Any], base: str) -> TrainConfig:
    """The config a manifest holds, over a base that is here.

    `Refused` for one that this version cannot read, and for a task that is somebody's code. An entry may come from
    anywhere: what it names is not imported, unless a config of the person's own names it too.
    """
    try:
        config = TrainConfig.model_validate({**training["config"], "base": base, "name": "here/now"})
    except ValidationError as error:
        raise Refused(
            f"the config it was trained with cannot be read by this version: {'; '.join(faults(error))}",
            hint="give a config of its task by --config; a newer adapterhub may read its own",
        ) from None
    if ":" in config.task:
        raise Refused(
            f"its task is {config.task}, and code that an entry names is not run",
            hint="look at that code, and give the config that names it by --config",
        )
    return config


def training_of(ready: "Prepared", machine: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says of a training."""
    return {
        "config": portable(ready.config, ready.rows.digests),
        "seed": ready.config.seed,
        "data": ready.rows.digests,
        "versions": {"python": platform.python_version(), **_versions()},
        "run": dict(machine),
    }


def machine_of(ready: "Prepared", progress: "Progress", processes: int) -> dict[str, Any]:
    """What the bytes of a result hang on besides config, data and builds."""
    import torch

    from adapterhub.train.resources.device import describe

    return {
        "device": describe(ready.job.device),
        "micro_batch": progress.micro,
        "processes": processes,
        "threads": torch.get_num_threads(),
        "steps": progress.step,
    }


def cost_of(ready: "Prepared", progress: "Progress", peak: int) -> dict[str, Any]:
    """Seconds of training, bytes of memory at the peak, numbers that were trained."""
    from adapterhub.train.resources.count import count

    return {
        "seconds": round(progress.seconds, 3),
        "peak_memory": peak,
        "trainable_parameters": count(ready.job.model)[0],
    }


def words_of(ready: "Prepared", base: str, metrics: Mapping[str, float], measured: str) -> str:
    """The card of the entry."""
    config, rows = ready.config, ready.rows
    asked = config.adapter
    kind = "All weights" if asked.method == "full" else f"A {asked.method} adapter of rank {asked.rank}"
    lines = [
        f"# {config.name.partition('@')[0]}",
        "",
        f"{kind} for {config.task} on {base}, trained by adapterhub on {len(rows.train)} rows.",
        "",
        *([f"On {measured}:", "", *(f"- {name}: {value:.4g}" for name, value in metrics.items())] if metrics else []),
    ]
    return "\n".join(lines) + "\n"


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

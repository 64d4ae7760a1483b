"""How a Trainer was told to train, as the manifest keeps it: config, seed, data, versions."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from adapterhub.formats.runs.checkpoints import best_step
from adapterhub.formats.runs.portable import portable
from adapterhub.formats.runs.results import evaluation, standard, summary
from adapterhub.integrations.data import described

__all__ = ["metrics_of", "of"]

PACKAGES = ("accelerate", "bitsandbytes", "datasets", "peft", "torch", "transformers", "trl", "unsloth")

ALWAYS = frozenset(
    (
        "learning_rate", "lr_scheduler_type", "warmup_steps", "num_train_epochs", "max_steps", "optim", "weight_decay",
        "max_grad_norm", "per_device_train_batch_size", "gradient_accumulation_steps", "bf16", "fp16",
    )
)  # fmt: skip
"""Arguments that are worth a word even where they have their default."""

ELSEWHERE = (
    "output_dir", "logging_", "log_", "report_to", "run_name", "project", "trackio_", "push_to_hub", "hub_", "save_",
    "disable_tqdm", "local_rank", "ddp_", "dataloader_num_workers", "dataloader_pin_memory", "debug", "do_",
    "resume_from_checkpoint", "skip_memory_metrics", "enable_jit_checkpoint", "seed",
)  # fmt: skip
"""How arguments begin that say where things go, not how weights become what they are. The seed has its own place."""


def of(args: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The training of a manifest, from the arguments and what a callback is given.

    Of some hundred arguments it keeps those that differ from the defaults of the version beside them.
    """
    data = {split: described(_dataset(kwargs.get(f"{split}_dataloader"))) for split in ("train", "eval")}
    return {
        "tool": "trl" if _is_from(type(args).__mro__, "trl") else "transformers",
        "config": {**_told(args), "processes": args.world_size},
        "seed": int(args.seed),
        "data": {split: said for split, said in data.items() if said},
        "versions": {name: _version(name) for name in PACKAGES if name in sys.modules and _version(name)},
    }


def metrics_of(state: Any, *, best: bool) -> dict[str, float]:
    """The evaluation of the weights that are there when training ends, and the mean loss of the training."""
    step = best_step({"best_model_checkpoint": state.best_model_checkpoint, "best_global_step": state.best_global_step})
    history = state.log_history
    return standard({**summary(history), **evaluation(history, step if best else None)})


def _told(args: Any) -> dict[str, Any]:
    config = {name: value for name, value in args.to_dict().items() if not name.startswith(ELSEWHERE)}
    usual = {
        field.name: portable(field.default if field.default_factory is MISSING else field.default_factory())
        for field in fields(args)
    }
    plain = portable(config)
    return {name: value for name, value in plain.items() if name in ALWAYS or value != usual.get(name)}


def _dataset(loader: Any) -> Any:
    return getattr(loader, "dataset", None)


def _is_from(classes: Iterable[type], package: str) -> bool:
    return any(one.__module__.partition(".")[0] == package for one in classes)


def _version(name: str) -> str:
    return str(getattr(sys.modules[name], "__version__", ""))

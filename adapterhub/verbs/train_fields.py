"""What a field that no config has was meant to be: by another trainer's word, by its place, by its letters."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from adapterhub.train.config import TrainConfig

__all__ = ["meant_by"]

ELSEWHERE = {
    "model_name_or_path": "base",
    "base_model": "base",
    "model": "base",
    "output_dir": "name",
    "run_name": "name",
    "task_type": "task",
    "dataset": "data.train",
    "train_file": "data.train",
    "validation_file": "data.validation",
    "test_file": "data.test",
    "max_seq_length": "data.max_length",
    "peft_type": "adapter.method",
    "use_dora": "adapter.method: dora",
    "r": "adapter.rank",
    "lora_r": "adapter.rank",
    "lora_alpha": "adapter.alpha",
    "lora_dropout": "adapter.dropout",
    "target_modules": "adapter.targets",
    "modules_to_save": "adapter.heads",
    "init_lora_weights": "adapter.init",
    "use_rslora": "adapter.rslora",
    "load_in_8bit": "adapter.quantize: int8",
    "load_in_4bit": "adapter.quantize: nf4",
    "learning_rate": "optim.lr",
    "batch_size": "optim.batch",
    "train_batch_size": "optim.batch",
    "per_device_train_batch_size": "optim.batch, the examples of a step on all devices together",
    "gradient_accumulation_steps": "optim.micro_batch, the examples computed at once",
    "num_train_epochs": "optim.epochs",
    "num_epochs": "optim.epochs",
    "max_steps": "optim.steps",
    "lr_scheduler_type": "optim.schedule",
    "warmup_ratio": "optim.warmup",
    "warmup_steps": "optim.warmup",
    "max_grad_norm": "optim.clip",
    "adam_beta1": "optim.betas",
    "adam_beta2": "optim.betas",
    "adam_epsilon": "optim.eps",
    "loraplus_lr_ratio": "optim.lora_plus",
    "bf16": "optim.precision: bf16",
    "fp16": "optim.precision: fp16",
    "gradient_checkpointing": "optim.activation_checkpointing",
    "eval_steps": "validation.every",
    "validation.steps": "validation.every",
    "sync.steps": "sync.every",
    "optim.epsilon": "optim.eps",
    "robust.eps": "robust.epsilon",
    "metric_for_best_model": "validation.metric",
    "early_stopping_patience": "validation.patience",
    "load_best_model_at_end": "validation.keep",
    "report_to": "report",
    "save_steps": "the option --checkpoint-every",
}
"""What the trainers people come from call a field, and what it is called here; of some, in one section only."""


def meant_by(where: Sequence[int | str]) -> str:
    """What to write in place of a field that is not known: what it is called here, a near word, or all there are.

    >>> meant_by(("optim", "learning_rate")), meant_by(("adapter", "rnk")), meant_by(("rank",))
    ('optim.learning_rate is optim.lr here', 'adapter.rnk: did you mean rank?', 'rank is adapter.rank here')
    """
    *path, word = map(str, where)
    place, known = ".".join((*path, word)), _known(path)
    called = ELSEWHERE.get(place) or _beside(ELSEWHERE.get(word, ""), path, known) or _same(word)
    if called:
        name, comma, gloss = called.partition(",")
        return f"{place} is {name} here{comma}{gloss}"
    if close := difflib.get_close_matches(word, known, n=1):
        return f"{place}: did you mean {close[0]}?"
    return f"{'.'.join(path) or 'a config'} has {', '.join(known)}"


def _beside(called: str, path: Sequence[str], known: Sequence[str]) -> str:
    """What a field is called here; in the section it was written in, if that has one of the name."""
    name = called.partition(",")[0].partition(":")[0]
    near = name.rpartition(".")[2]
    return called.replace(name, ".".join((*path, near)), 1) if near in known else called


def _same(word: str) -> str:
    """The field of this very name in another place, the outermost first."""
    return next((name for name in _names() if name.rpartition(".")[2] == word), "")


def _names() -> Iterator[str]:
    """All fields, those inside fields last and under their whole names."""
    yield from TrainConfig.model_fields
    for part in TrainConfig.model_fields:
        yield from (f"{part}.{name}" for name in _known([part]))


def _known(path: Sequence[str]) -> list[str]:
    """The fields there are below a path; none where no fields are."""
    model: Any = TrainConfig
    for word in path:
        inner = model.model_fields[word].annotation
        kinds = (inner, *getattr(inner, "__args__", ()))
        model = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)

"""How a model is made trainable: one light table, a row and a file for each method."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from adapterhub.errors import WrongUsage
from adapterhub.train.config import AdapterConfig, TrainConfig
from adapterhub.train.methods.attached import Attached
from adapterhub.train.methods.request import Forward, Request

if TYPE_CHECKING:
    from torch import nn

    from adapterhub.train.task import Batch

__all__ = ["METHODS", "Method", "attach", "check", "switched"]

INITS = ("default", "gaussian", "orthogonal", "pissa", "olora", "eva")
LORA = ("rank", "alpha", "targets", "dropout", "rslora", "heads", "quantize")


@final
@dataclass(frozen=True)
class Method:
    """A row: what it is, the file here with `attach(request)`, and which fields of the config mean something to it."""

    about: str
    module: str
    takes: tuple[str, ...]
    inits: tuple[str, ...] = ("default",)
    lora_plus: bool = False


METHODS = {
    "lora": Method("W + s·B·A", "lora", LORA, INITS, True),
    "dora": Method("the same, with the rows' lengths trained apart", "lora", LORA, INITS, True),
    "frozen-a": Method("LoRA with a random orthonormal A that is not trained", "lora", LORA),
    "vera": Method(
        "random factors all modules share, two trained vectors each", "vera", ("rank", "targets", "dropout", "heads")
    ),
    "adalora": Method(
        "LoRA whose ranks go where they matter", "adalora", ("rank", "alpha", "targets", "dropout", "heads", "quantize")
    ),
    "full": Method("everything", "full", ()),
}

USUAL = {"optim.lora_plus": None, **{f"adapter.{name}": value for name, value in AdapterConfig()}}
"""What the fields are that a method may have no use for, unless they are set."""


def check(config: TrainConfig) -> None:
    """`WrongUsage` for a field that was set and that the method does nothing with; before anything is loaded."""
    adapter, row = config.adapter, METHODS[config.adapter.method]
    if idle := _idle(config):
        takes = ", ".join((*row.takes, *(("init",) if len(row.inits) > 1 else ())))
        told = (f"adapter.init: {adapter.init}" if name == "adapter.init" else name for name in idle)
        raise WrongUsage(
            f"adapter.method: {adapter.method} does not take {', '.join(told)}",
            hint=f"it takes {takes}" if takes else "leave them out: everything is trained",
        )
    if adapter.quantize and adapter.init in ("pissa", "olora"):
        raise WrongUsage(
            f"adapter.init: {adapter.init} changes the frozen weights, and adapter.quantize holds them in "
            f"{adapter.quantize}",
            hint="take another init, or leave quantize out",
        )


def switched(config: TrainConfig, method: str) -> tuple[TrainConfig, tuple[str, ...]]:
    """The config with another method; and the fields that mean nothing to it, which have their defaults again.

    >>> config = TrainConfig(base="./b", name="a/b", task="t", data={"train": "t.csv"}, adapter={"rank": 4})
    >>> switched(config, "full")[1]
    ('adapter.rank',)
    """
    if method not in METHODS:
        raise WrongUsage(f"{method}: no such method", hint=f"there are {', '.join(METHODS)}")
    config = _with(config, "adapter.method", method)
    idle = _idle(config)
    for name in idle:
        config = _with(config, name, USUAL[name])
    return config, tuple(idle)


def _idle(config: TrainConfig) -> list[str]:
    """The fields that were set and that the method does nothing with."""
    row = METHODS[config.adapter.method]
    names = [name for name in AdapterConfig.model_fields if name not in ("method", "init", *row.takes)]
    idle = [f"adapter.{name}" for name in names if getattr(config.adapter, name) != USUAL[f"adapter.{name}"]]
    if config.adapter.init not in row.inits:
        idle.append("adapter.init")
    if config.optim.lora_plus is not None and not row.lora_plus:
        idle.append("optim.lora_plus")
    return idle


def _with(config: TrainConfig, name: str, value: object) -> TrainConfig:
    """The config with another value for a field of a part of it."""
    part, _, field = name.partition(".")
    return config.model_copy(update={part: getattr(config, part).model_copy(update={field: value})})


def attach(
    model: "nn.Module",
    config: TrainConfig,
    heads: tuple[str, ...],
    *,
    peft_type: str | None = None,
    steps: int | None = None,
    batches: "Iterable[Batch] | None" = None,
    forward: Forward | None = None,
) -> Attached:
    """Make a model trainable the way the config says; the model is changed in place.

    The same model and config give the same first values: they are drawn from `config.seed`, and torch's generator is
    as it was afterwards. `heads` are saved whole; `peft_type` is the task's; `steps` is for AdaLoRA, which spreads its
    budget over the run; `batches` is for EVA, with `forward(model, batch)` where a batch is not what the model is
    called with.
    """
    import torch

    from adapterhub.train.methods.statistics import hold

    check(config)
    adapter = config.adapter
    request = Request(model, adapter, heads, config.seed, peft_type, config.optim.lora_plus, steps, batches, forward)
    row = METHODS[adapter.method]
    module = importlib.import_module(f"adapterhub.train.methods.{row.module}")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        if adapter.quantize:
            from adapterhub.train.methods.quantize import quantize

            quantize(model, adapter.quantize, heads)
        attached: Attached = module.attach(request)
    hold(attached.model)
    return attached

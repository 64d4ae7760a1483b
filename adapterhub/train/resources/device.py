"""Where a training runs, and how batches come there."""

import copy
import dataclasses
import re
from collections.abc import MutableMapping
from typing import Any, TypeVar, cast

import torch

from adapterhub.errors import NotFound, WrongUsage

__all__ = ["describe", "move", "pick"]

T = TypeVar("T")

ACCELERATORS = ("cuda", "xpu", "mps")
"""In the order in which one is taken where none is asked for."""

NUMBERED = ("cuda", "xpu")
"""Of these every process of a machine has one of its own."""


def pick(word: str | None = None, *, process: int = 0) -> torch.device:
    """The device a word means (`cpu`, `cuda`, `cuda:1`, `mps`); without one the first accelerator, else the processor.

    process: which of the processes on this machine asks; without a number each takes the device of its own.
    `WrongUsage` for a word that is no device, `NotFound` for a device that is not there.

    >>> pick("cpu")
    device(type='cpu')
    """
    if word is None:
        word = next((kind for kind in ACCELERATORS if _count(kind)), "cpu")
    read = re.fullmatch(rf"(cpu|{'|'.join(ACCELERATORS)})(?::([0-9]{{1,4}}))?", word)
    if read is None:
        raise WrongUsage(
            f"device: {word!r} is none; wanted cpu, {', '.join(ACCELERATORS)}, or one with a number, such as cuda:1",
            hint="leave it out to take the first accelerator there is",
        )
    kind, number = read.group(1), read.group(2)
    index = int(number or (process if kind in NUMBERED else 0))
    if index >= (there := _count(kind)):
        asked = f"{word}, number {index} for process {process}" if there and not number else word
        raise NotFound(f"device {asked}: there is none; this machine has {_present()}", hint=_hint(kind, there))
    return torch.device(kind, index) if kind in NUMBERED else torch.device(kind)


def describe(device: torch.device) -> str:
    """What decides the bits of a result: the accelerator by its name, the processor by its instructions."""
    if device.type == "cpu":
        return f"cpu {torch.backends.cpu.get_cpu_capability()}"
    if device.type in NUMBERED:
        return str(torch.get_device_module(device).get_device_properties(device).name)
    return device.type


def move(batch: T, device: torch.device) -> T:
    """The batch with every tensor in it on the device; dicts, lists, tuples and dataclasses keep their kind.

    What was given stays where it is. What has a `to` of its own (packed sequences) is asked for it, and what is none of
    these is passed on.
    """
    return cast(T, _moved(batch, device))


def _moved(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, MutableMapping):
        mapping = copy.copy(batch)
        mapping.update({key: _moved(value, device) for key, value in batch.items()})
        return mapping
    if callable(getattr(batch, "to", None)):
        return batch.to(device)
    if isinstance(batch, list | tuple):
        values = [_moved(value, device) for value in batch]
        return type(batch)(*values) if hasattr(batch, "_fields") else type(batch)(values)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        # A copy and not dataclasses.replace: fields without a place in __init__ move too, and frozen ones.
        moved = copy.copy(batch)
        for field in dataclasses.fields(batch):
            object.__setattr__(moved, field.name, _moved(getattr(batch, field.name), device))
        return moved
    return batch


def _count(kind: str) -> int:
    return int(torch.get_device_module(kind).device_count())


def _present() -> str:
    return ", ".join(
        f"{kind}:{i}" if kind in NUMBERED else kind for kind in (*ACCELERATORS, "cpu") for i in range(_count(kind))
    )


def _hint(kind: str, there: int) -> str:
    if kind == "cuda" and torch.version.cuda is None and torch.version.hip is None:
        return f"torch {torch.__version__} is built without CUDA: install a build with it, or say `device: cpu`"
    if there:
        return "start no more processes on a machine than it has devices, or say one of those"
    return "say one of those, or leave `device` out"

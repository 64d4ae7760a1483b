"""The modules of an adapter of another tuner than LoRA, each with the tensors that play a part there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.errors import Corrupt
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.peft_parts import Parts
from adapterhub.formats.peft_tuners import SHARED, by_module
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.beside import bare, beside
from adapterhub.lora.delta import LINEAR, Delta, Form
from adapterhub.lora.products import Pair, tucker
from adapterhub.lora.values import Get

__all__ = ["Module", "Tuned", "additive", "cored"]

ALPHA = 8.0
"""What PEFT takes where the config of LoHa or LoKr has no alpha."""


@final
@dataclass(frozen=True)
class Module:
    """One module: `path` as the config's patterns see it, its tensors by their part, `place` for errors."""

    path: str
    tensors: Mapping[str, TensorInfo]
    get: Get
    place: str

    def __contains__(self, part: str) -> bool:
        return part in self.tensors

    def tensor(self, part: str, least: int, most: int | None = None) -> Tensor:
        """A part in fp32, fp64 where any part of the module is; with so many dimensions, none of them 0."""
        info = self.tensors.get(part)
        if info is None:
            raise self.corrupt(f"{part} is missing, there is {', '.join(sorted(self.tensors))}")
        if not least <= len(info.shape) <= (most or least) or 0 in info.shape:
            raise self.corrupt(f"{part} has the shape {list(info.shape)}")
        wide = any(other.dtype == "F64" for other in self.tensors.values())
        return self.get(info).to(torch.float64 if wide else torch.float32)

    def pair(self, first: str, second: str) -> Pair:
        """Two parts that are multiplied."""
        B, A = self.tensor(first, 2), self.tensor(second, 2)
        self.agree(B.shape[1] == A.shape[0])
        return Pair(B, A)

    def agree(self, condition: bool) -> None:
        """`Corrupt` where shapes that must meet do not."""
        if not condition:
            shapes = ", ".join(f"{part} {list(info.shape)}" for part, info in self.tensors.items())
            raise self.corrupt(f"tensors that do not fit together: {shapes}")

    def corrupt(self, what: str) -> Corrupt:
        """The error to raise."""
        return Corrupt(f"{self.place}: {what}", hint="the file was saved or cut wrongly: save it again")


@final
@dataclass(frozen=True)
class Tuned:
    """All modules of an adapter, what they share, and the tensors that belong to none."""

    modules: tuple[Module, ...]
    shared: Module
    others: tuple[TensorInfo, ...]

    @classmethod
    def of(cls, parts: Parts, tuner: str, get: Get, place: str) -> "Tuned":
        """Sort an adapter's tensors; `Corrupt` where none belongs to a module."""
        modules, others = by_module(parts.header.tensors.values(), tuner)
        shared = Module(SHARED, modules.pop(SHARED, {}), get, place)
        if not modules:
            raise Corrupt(f"{place}: no tensor is one of {parts.config.type}", hint="save the adapter again")
        found = tuple(Module(path, tensors, get, f"{place}: {path}") for path, tensors in modules.items())
        return cls(found, shared, others)

    def __iter__(self) -> Iterator[tuple[str, Module]]:
        """Every module with its name in the base."""
        return ((bare(module.path), module) for module in self.modules)


def cored(module: Module, core: str, first: str, second: str) -> tuple[Pair, Form]:
    """A convolution's kernel in Tucker's factors. PEFT saves the core of a Conv1d as that of a Conv2d of one column."""
    t, a, b = module.tensor(core, 3, 5), module.tensor(first, 2), module.tensor(second, 2)
    module.agree(t.shape[:2] == (a.shape[0], b.shape[0]))
    kernel = tuple(t.shape[2:])
    unsure = len(kernel) == 2 and kernel[1] == 1 < kernel[0]
    return tucker(t, a, b), LINEAR if unsure else Form("conv", kernel)


def additive(
    parts: Parts, get: Get, name: str, tuner: str, change: Callable[[Module, Parts], tuple[Pair, int, Form]]
) -> Adapter:
    """The adapter of a tuner that adds s·B·A, s = alpha/r; `change` gives the pair, r and the form."""
    place = f"{name}: {parts.weights}"
    tuned = Tuned.of(parts, tuner, get, place)
    deltas = {}
    for path, module in tuned:
        (B, A), rank, form = change(module, parts)
        alpha = parts.config.alpha_of(module.path)
        deltas[path] = Delta(A, B, (ALPHA if alpha is None else alpha) / rank, form)
    return beside(Adapter(deltas), parts, tuned.others, get, place)

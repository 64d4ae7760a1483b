"""Elastic weight consolidation: what earlier tasks needed moves little, and the rest is free.

    penalty = λ/2 · Σ F·(θ - θ*)²        F = 1/n Σ (∂ℓ(xᵢ)/∂θ)²        θ*: where training began

Kirkpatrick et al. 2016, https://arxiv.org/abs/1612.00796. F is the diagonal of the empirical Fisher information: with
the labels of the rows, not with labels drawn from the model. Of several earlier tasks the F are added and only the last
θ* counts (Schwarz et al. 2018, https://arxiv.org/abs/1805.06370), so that what is kept does not grow with their number.

For LoRA θ are the factors themselves. B·A is the same for other factors too, but F is not: EWC goes on with the same
adapter (its factors, rank and heads), and means nothing for a fresh one beside it or for one that was refactored.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import final

import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, Refused, WrongUsage
from adapterhub.formats import safetensors_header
from adapterhub.formats.continued import FISHER
from adapterhub.formats.safetensors_write import Raw, write
from adapterhub.lora.values import view
from adapterhub.train.engine.job import Loss
from adapterhub.train.engine.part import Penalty
from adapterhub.train.engine.shape import shape_words
from adapterhub.train.task import Batch

__all__ = ["FILE", "Ewc", "Fisher", "added", "estimate", "load", "save"]

FILE = FISHER
"""What the file of an entry is called that holds F."""

Fisher = dict[str, Tensor]
"""Parameter, as the trained model names it -> F, of its shape, fp32."""


def estimate(model: nn.Module, loss: Loss, singles: Iterable[Batch]) -> Fisher:
    """F of what is trained, over batches of one example each, without dropout.

    ℓ is an example's whole loss, of all its tokens. The model and its gradients are left as they were. The rows are
    those of the task that was learned; some hundreds of them tell enough.
    """
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    squares = {name: torch.zeros_like(weight, dtype=torch.float32) for name, weight in trained.items()}
    modes = {module: module.training for module in model.modules()}
    model.eval()
    count = 0
    try:
        for batch in singles:
            count += 1
            with torch.enable_grad():
                total, _ = loss(model, batch)
            for square, gradient in zip(squares.values(), _gradients(total, trained), strict=True):
                if gradient is not None:
                    square.add_(gradient.float().square())
    finally:
        for module, training in modes.items():
            module.training = training
    if not count:
        raise WrongUsage("ewc: no example to estimate from", hint="give rows of the task that was learned")
    return {name: _finite(name, square / count) for name, square in squares.items()}


def added(earlier: Mapping[str, Tensor], fisher: Mapping[str, Tensor]) -> Fisher:
    """F of all tasks so far; what only one of both knows, as a head that is new, stays as it is."""
    both = sorted(earlier.keys() & fisher.keys())
    return {**earlier, **fisher, **{name: _same(name, earlier[name], fisher[name]) + fisher[name] for name in both}}


def save(fisher: Mapping[str, Tensor], path: Path) -> None:
    """Write F; the same numbers give the same bytes."""
    write({name: Raw.of(square.detach().cpu().contiguous().numpy()) for name, square in fisher.items()}, path)


def load(path: Path) -> Fisher:
    """F as it was saved; `Corrupt` for what is no such file."""
    with path.open("rb") as stream:
        header = safetensors_header.read(stream, path.stat().st_size, path.name)
    data = memoryview(bytearray(path.read_bytes()))
    return {name: view(data, info) for name, info in header.tensors.items()}


@final
class Ewc(Penalty):
    """The penalty on leaving where the model is now, which is where the earlier tasks ended.

    strength: λ, against the mean loss. The model is on the device it is trained on. `DoesNotFit` where F is of another
    model than this.
    """

    def __init__(self, model: nn.Module, fisher: Mapping[str, Tensor], strength: float) -> None:
        weights = dict(model.named_parameters())
        for name, square in fisher.items():
            if name not in weights:
                raise DoesNotFit(f"ewc: {name} was trained for earlier tasks and is not there now", hint=_HINT)
            _same(name, square, weights[name])
        self.strength = strength
        self.fisher = {name: square.to(weights[name].device) for name, square in fisher.items()}
        self.anchors = {name: weights[name].detach().to(torch.float32, copy=True) for name in fisher}

    def penalty(self, model: nn.Module) -> Tensor | None:
        """λ/2 · Σ F·(θ - θ*)² over what is trained now; None where that is nothing F knows."""
        weights, terms = dict(model.named_parameters()), []
        for name, square in self.fisher.items():
            if (weight := weights[name]).requires_grad:
                away = weight.float() - self.anchors[name]
                terms.append((square * away.square()).sum())
        return self.strength / 2 * torch.stack(terms).sum() if terms else None

    def state(self) -> dict[str, Tensor]:
        return dict(self.anchors)

    def restore(self, state: dict[str, Tensor]) -> None:
        self.anchors = {name: state[name].to(anchor) for name, anchor in self.anchors.items()}


_HINT = "continue with the method, rank, targets and heads of the adapter that F was estimated of"


def _gradients(total: Tensor, trained: Mapping[str, Tensor]) -> tuple[Tensor | None, ...]:
    return torch.autograd.grad(total, list(trained.values()), allow_unused=True)


def _finite(name: str, square: Tensor) -> Tensor:
    if not bool(square.isfinite().all()):
        raise Refused(
            f"ewc: the gradient of {name} is no number for some example",
            hint="the model diverged, or a row of the task is odd: look at its loss with `adapterhub eval`",
        )
    return square


def _same(name: str, one: Tensor, other: Tensor) -> Tensor:
    if one.shape != other.shape:
        raise DoesNotFit(
            f"ewc: {name} was {shape_words(one.shape)} for earlier tasks, and is {shape_words(other.shape)} now",
            hint=_HINT,
        )
    return one

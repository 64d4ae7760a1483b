"""Adversarial training: a share of the loss is taken on inputs that were moved to where it is large.

    loss' = (1 - share)·Σ ℓ(xᵢ) + share·Σ ℓ(xᵢ + dᵢ)      over as many things as the loss

Goodfellow et al. 2014, https://arxiv.org/abs/1412.6572; the moves stand in `moves`. `loss'` is a loss like any other,
and micro-batches and processes change nothing: dᵢ comes from the gradient of example i alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, Refused
from adapterhub.train.config import RobustConfig
from adapterhub.train.engine.job import Loss
from adapterhub.train.robust.dice import Dice
from adapterhub.train.robust.moves import MOVES, passes
from adapterhub.train.robust.place import Nudge, Place, find
from adapterhub.train.robust.tree import tensors
from adapterhub.train.task import Batch, Task

__all__ = ["Limits", "answers_under", "attacked"]

Limits = tuple[float | Tensor, float | Tensor]
"""The least and the largest number of a picture or sound as the model is given it; tensors that broadcast to one."""


def attacked(loss: Loss, config: RobustConfig, *, limits: Limits | None = None) -> Loss:
    """The loss of adversarial training, in place of a loss.

    limits: the range of the input, which no attack leaves; embeddings have none. Gradients of parameters are not
    touched, no hook stays, and the generators end where the loss alone would leave them. Costs `passes` + 1 forward
    passes.
    """
    if not config.share:
        return loss

    def both(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        dice = Dice(_device(batch))
        search = _Search(loss, model, batch, config, limits)
        (total, count), moved = search(dice, keep=config.share < 1)
        with dice.again(), search.place.through(Nudge(moved)) as hurt:
            worst, _ = loss(model, hurt)
        return (1 - config.share) * total + config.share * worst if config.share < 1 else worst, count

    return both


def answers_under(
    task: Task, loss: Loss, model: nn.Module, batch: Batch, config: RobustConfig, *, limits: Limits | None = None
) -> Sequence[Any]:
    """What a model answers where the attack moved each example, for `task.measure`: robust accuracy, beside clean.

    loss: the task's own, not the one it was trained with. The model is attacked as it stands, so in eval mode.
    """
    search = _Search(loss, model, batch, config, limits)
    with torch.enable_grad():
        nudge = Nudge(search(Dice(_device(batch)), keep=False)[1])
    with torch.no_grad(), search.place.through(nudge) as hurt:
        answers = task.answers(model, hurt)
    search.insist(nudge)
    return answers


@final
@dataclass
class _Search:
    """The way of one batch to where it hurts."""

    loss: Loss
    model: nn.Module
    batch: Batch
    config: RobustConfig
    limits: Limits | None

    def __post_init__(self) -> None:
        self.place: Place = find(self.model, self.batch)

    def __call__(self, dice: Dice, *, keep: bool) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """The clean loss, and how far each example goes. keep: that loss will have a backward pass of its own."""
        clean, moved = self._step(Nudge(), keep=keep)
        for _ in range(1, passes(self.config)):
            with dice.again():
                _, moved = self._step(Nudge(moved.requires_grad_()), keep=False)
        return clean, moved.detach()

    def _step(self, nudge: Nudge, *, keep: bool) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """The loss where the examples are, and how far they go from where they began."""
        with self.place.through(nudge) as batch:
            found = self.loss(self.model, batch)
            self.insist(nudge)
            before, gradient = nudge.calls, self._gradient(found[0], nudge, keep=keep)
            if nudge.calls != before:
                raise Refused(
                    f"robust: {self.place.name} lies in a part of the model that is computed again in the backward "
                    "pass, when it is not moved any more",
                    hint="turn optim.activation_checkpointing off, or leave the embedding out of it",
                )
        assert nudge.value is not None
        moved = MOVES[self.config.attack](self.place.real(gradient), nudge.value.detach(), self.config)
        return found, self._within(moved, nudge.here)

    def _gradient(self, total: Tensor, nudge: Nudge, *, keep: bool) -> Tensor:
        assert nudge.value is not None
        # Within autocast a backward pass would round what the forward pass kept in fp32.
        with torch.autocast(total.device.type, enabled=False):
            (gradient,) = torch.autograd.grad(total, [nudge.value], retain_graph=keep, allow_unused=True)
        if gradient is None:
            raise DoesNotFit(
                f"robust: the loss does not depend on {self.place.name}",
                hint="the loss must be computed from what the model answers to this batch, with gradients on",
            )
        return gradient

    def _within(self, moved: Tensor, here: Tensor) -> Tensor:
        """The same move, no further than the input's range."""
        if self.limits is None or self.place.embedded:
            return moved
        least, largest = (torch.as_tensor(limit, dtype=moved.dtype, device=moved.device) for limit in self.limits)
        return (here + moved).clamp(least, largest) - here

    def insist(self, nudge: Nudge) -> None:
        """`DoesNotFit` unless the input came by."""
        if not nudge.calls:
            raise DoesNotFit(
                f"robust: the model answered without {self.place.name} being asked",
                hint="give the model's own class a get_input_embeddings() that returns the module it calls",
            )


def _device(batch: Batch) -> torch.device:
    return next((tensor.device for _, tensor in tensors(batch)), torch.device("cpu"))

"""What takes part in every step beside the loss: AdaLoRA's allocation, a penalty on what must not move."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Part", "Penalty"]


class Part(Protocol):
    """Something with a say in every step. Every process has its own and must come to the same."""

    def penalty(self, model: "nn.Module") -> "Tensor | None":
        """A number whose gradient is added to that of the mean loss, once a step; None for nothing."""

    def after_step(self, step: int) -> None:
        """Called when the optimiser has made step number `step` (from 1), while the gradients are still there."""

    def state(self) -> "dict[str, Tensor]":
        """What a checkpoint must hold, so that a run that goes on from it is the run that was not cut."""

    def restore(self, state: "dict[str, Tensor]") -> None:
        """Take back what `state` gave."""


class Penalty:
    """A part that is a penalty and nothing else."""

    def penalty(self, model: "nn.Module") -> "Tensor | None":
        """Nothing, unless a child says otherwise."""
        return None

    def after_step(self, step: int) -> None:
        """Nothing."""

    def state(self) -> "dict[str, Tensor]":
        return {}

    def restore(self, state: "dict[str, Tensor]") -> None:
        """Nothing."""

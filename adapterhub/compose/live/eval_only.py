"""Modules that a model calls in eval and bypasses while it trains, as Mamba's kernels do."""

from collections.abc import Sequence
from typing import Any, final

from torch import nn

from adapterhub.compose.live.attached import Attached
from adapterhub.compose.live.bypass import in_training
from adapterhub.errors import DoesNotFit

__all__ = ["EvalOnly", "guards"]


@final
class EvalOnly(Attached):
    """A hook that refuses a forward in training which would overlook what is attached at a path."""

    def __init__(self, owner: nn.Module, path: str, reason: str) -> None:
        self._path, self._reason = path, reason
        self._handle = owner.register_forward_pre_hook(self)

    def __call__(self, module: nn.Module, args: Any) -> None:
        """The owner is about to run."""
        if module.training:
            raise DoesNotFit(
                f"{self._path}: {self._reason}, so what is attached there would change nothing",
                hint="model.eval(), or take the adapter off",
            )

    def close(self) -> None:
        """Take the hook off."""
        self._handle.remove()


def guards(model: nn.Module, path: str) -> Sequence[EvalOnly]:
    """One for each module that bypasses the one at a path while it trains; none for most."""
    return [EvalOnly(owner, path, reason) for owner, reason in in_training(model, path)]

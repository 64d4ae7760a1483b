"""A whole tensor of an adapter in place of a model's: the parameter object is exchanged, and exchanged back.

What stands in a place is kept on the module, the model's own lowest, so that stacks may come and leave in any order and
everybody can tell what is the model's own.
"""

from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

__all__ = ["Swap", "own", "tensor_at"]

STANDING = "_adapterhub_standing"
"""Attribute of a module: leaf -> the model's own tensor, and above it those that were put in its place."""


@final
@dataclass(eq=False)
class Swap:
    """`tensor` for the parameter or buffer `leaf` of a module. On, it stands there; off, what was below it."""

    module: nn.Module
    leaf: str
    tensor: Tensor
    _mine: Any = field(default=None, init=False)

    def set(self, *, on: bool) -> None:
        """Stand in place, or no longer."""
        if on and self._mine is None:
            self._put()
        elif not on and self._mine is not None:
            self._take()

    def _put(self) -> None:
        shelf = _shelf(self.module, self.leaf)
        below = shelf[self.leaf]
        with torch.inference_mode(False), torch.no_grad():
            value = self.tensor.detach().to(below.device, below.dtype, copy=True)
        mine: Any = nn.Parameter(value, requires_grad=False) if isinstance(below, nn.Parameter) else value
        self.module.__dict__.setdefault(STANDING, {}).setdefault(self.leaf, [below]).append(mine)
        shelf[self.leaf] = self._mine = mine

    def _take(self) -> None:
        mine, self._mine = self._mine, None
        every = self.module.__dict__[STANDING]
        standing, shelf = every[self.leaf], _shelf(self.module, self.leaf)
        place = next(n for n, one in enumerate(standing) if one is mine)
        del standing[place]
        if place == len(standing):
            top, below = shelf[self.leaf], standing[-1]
            if (top.device, top.dtype) != (below.device, below.dtype):  # the model was moved meanwhile
                below.data = below.data.to(top.device, top.dtype)
            shelf[self.leaf] = below
        if len(standing) == 1:
            del every[self.leaf]
        if not every:
            del self.module.__dict__[STANDING]


def own(module: nn.Module, leaf: str) -> object:
    """What the model itself has there, whatever stands in its place; None where it has nothing."""
    standing = module.__dict__.get(STANDING, {}).get(leaf)
    return standing[0] if standing else getattr(module, leaf, None)


def tensor_at(module: nn.Module, leaf: str) -> Tensor | None:
    """The parameter or buffer that stands there now, if there is one."""
    return module._parameters.get(leaf) if leaf in module._parameters else module._buffers.get(leaf)


def _shelf(module: nn.Module, leaf: str) -> dict[str, Any]:
    return module._parameters if leaf in module._parameters else module._buffers

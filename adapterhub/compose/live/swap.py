"""A whole tensor of an adapter in place of a model's: the parameter object is exchanged, and exchanged back.

What stands in a place is kept on the module, the model's own lowest, so that stacks may come and leave in any order and
everybody can tell what is the model's own. `state_dict` gives the model's own, `load_state_dict` fills the model's own.
"""

from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

from adapterhub.compose.live.attached import Attached

__all__ = ["Swap", "own", "tensor_at"]

STANDING = "_adapterhub_standing"
"""Attribute of a module: what stands in its places."""


@final
class Standing(Attached):
    """By leaf, the model's own tensor and above it those that were put in its place; for as long as there are any."""

    def __init__(self, module: nn.Module) -> None:
        self.leaves: dict[str, list[Any]] = {}
        untyped: Any = module
        self._handles = (
            untyped.register_state_dict_post_hook(_save_own),
            untyped.register_load_state_dict_pre_hook(_own_back),
            untyped.register_load_state_dict_post_hook(_own_loaded),
        )

    def close(self) -> None:
        """Leave `state_dict` and `load_state_dict` alone again."""
        for handle in self._handles:
            handle.remove()


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

    @property
    def lost(self) -> bool:
        """Whether somebody else has put another parameter in the place where this one stands."""
        standing = _leaves(self.module).get(self.leaf, ())
        on_top = self._mine is not None and standing and standing[-1] is self._mine
        return bool(
            on_top and isinstance(self._mine, nn.Parameter) and tensor_at(self.module, self.leaf) is not self._mine
        )

    def _put(self) -> None:
        shelf = _shelf(self.module, self.leaf)
        below = shelf[self.leaf]
        with torch.inference_mode(False), torch.no_grad():
            value = self.tensor.detach().to(below.device, below.dtype, copy=True)
        mine: Any = nn.Parameter(value, requires_grad=False) if isinstance(below, nn.Parameter) else value
        if STANDING not in self.module.__dict__:
            self.module.__dict__[STANDING] = Standing(self.module)
        self.module.__dict__[STANDING].leaves.setdefault(self.leaf, [below]).append(mine)
        shelf[self.leaf] = self._mine = mine

    def _take(self) -> None:
        mine, self._mine = self._mine, None
        kept: Standing = self.module.__dict__[STANDING]
        standing, shelf = kept.leaves[self.leaf], _shelf(self.module, self.leaf)
        place = next(n for n, one in enumerate(standing) if one is mine)
        del standing[place]
        if place == len(standing):
            shelf[self.leaf] = _moved(standing[-1], shelf[self.leaf])
        if len(standing) == 1:
            del kept.leaves[self.leaf]
        if not kept.leaves:
            kept.close()
            del self.module.__dict__[STANDING]


def own(module: nn.Module, leaf: str) -> object:
    """What the model itself has there, whatever stands in its place; None where it has nothing."""
    standing = _leaves(module).get(leaf)
    return standing[0] if standing else getattr(module, leaf, None)


def tensor_at(module: nn.Module, leaf: str) -> Tensor | None:
    """The parameter or buffer that stands there now, if there is one."""
    return module._parameters.get(leaf) if leaf in module._parameters else module._buffers.get(leaf)


def _shelf(module: nn.Module, leaf: str) -> dict[str, Any]:
    return module._parameters if leaf in module._parameters else module._buffers


def _leaves(module: nn.Module) -> dict[str, list[Any]]:
    kept: Standing | None = module.__dict__.get(STANDING)
    return kept.leaves if kept is not None else {}


def _moved(below: Any, top: Any) -> Any:
    """What stood below, brought to where the model was moved meanwhile."""
    if (top.device, top.dtype) != (below.device, below.dtype):
        below.data = below.data.to(top.device, top.dtype)
    return below


def _save_own(module: nn.Module, state: dict[str, Any], prefix: str, metadata: object) -> None:
    for leaf, standing in _leaves(module).items():
        if (saved := state.get(prefix + leaf)) is not None:
            mine = _moved(standing[0], standing[-1])
            state[prefix + leaf] = mine if saved is standing[-1] else mine.detach()


def _own_back(module: nn.Module, *_: object) -> None:
    for leaf, standing in _leaves(module).items():
        _shelf(module, leaf)[leaf] = _moved(standing[0], standing[-1])


def _own_loaded(module: nn.Module, keys: object) -> None:
    for leaf, standing in _leaves(module).items():
        shelf = _shelf(module, leaf)
        standing[0], shelf[leaf] = shelf[leaf], standing[-1]

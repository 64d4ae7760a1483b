"""The one hook of a live module, shared by all stacks on it.

Every gate sees what the module itself answered, and all changes add up: stacks nest in any order and leave in any
order. The hook finds its peers on the module itself; nothing else remembers them.
"""

import sys
from typing import Any, final

from torch import Tensor, nn
from torch.nn.modules import module as registry

from adapterhub.compose.live.attached import Attached
from adapterhub.compose.live.gate import Gate
from adapterhub.compose.live.layers import PRODUCTS
from adapterhub.errors import DoesNotFit

__all__ = ["Site", "join", "leave", "trace_anew"]


@final
class Site(Attached):
    """A forward hook: the gates of a module, in the order they came."""

    def __init__(self, module: nn.Module) -> None:
        self.gates: list[Gate] = []
        self._new = f"{type(module).__module__}.{type(module).__qualname__}" in PRODUCTS
        self._handle = module.register_forward_hook(self, with_kwargs=True)

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Tensor:
        """The module's answer with every gate's changes added."""
        if not isinstance(output, Tensor):
            path, got = self.gates[0].layer.path, type(output).__name__
            raise DoesNotFit(
                f"{path}: {type(module).__name__} answers with a {got}, not with W·x",
                hint="an adapter cannot be stacked on it; fuse it into the weights",
            )
        x: Tensor = args[0] if args else next(iter(kwargs.values()))
        fresh, answer = self._fresh(module, output), output
        for gate in self.gates:
            answer = gate(x, output, answer, fresh=fresh)
        return answer

    def close(self) -> None:
        """Take the hook off."""
        self._handle.remove()

    def _fresh(self, module: nn.Module, output: Tensor) -> bool:
        """Whether nobody but us has seen the output, so that it may be written into."""
        return (
            self._new
            and len(self.gates) == 1
            and not output.requires_grad
            and len(module._forward_hooks) == 1
            and "forward" not in module.__dict__
            and not registry._global_forward_hooks
        )


def join(gate: Gate) -> None:
    """Put a gate on its module."""
    module = gate.layer.module
    (_site(module) or Site(module)).gates.append(gate)


def leave(gate: Gate) -> None:
    """Take a gate off its module, and the hook with the last one."""
    site = _site(gate.layer.module)
    if site is not None and gate in site.gates:
        site.gates = [one for one in site.gates if one is not gate]  # the old list may be gone through right now
        if not site.gates:
            site.close()


def _site(module: nn.Module) -> Site | None:
    return next((hook for hook in module._forward_hooks.values() if isinstance(hook, Site)), None)


def trace_anew() -> None:
    """Forget compiled graphs: torch.compile does not look whether hooks came or went since it traced."""
    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is not None:
        dynamo.reset()

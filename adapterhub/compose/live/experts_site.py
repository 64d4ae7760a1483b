"""The hooks of a module whose parameters are changed: while its forward runs, each is answered as W + Σ w·ΔW.

What is answered is an attribute of the module itself, which Python finds before the parameter; the parameter stays
where it is. All stacks share the hooks, and their changes add up. The sum is kept until weights or the parameter
change, unless gradients flow into the parameter or nothing counts its changes. What is written into its `.data` is not
counted, and seen with the next change of weights.
"""

from typing import Any, final

import torch
from torch import Tensor, nn

from adapterhub.compose.live.attached import Attached
from adapterhub.compose.live.experts_gate import ExpertsGate, changed
from adapterhub.compose.live.swap import tensor_at

__all__ = ["join", "leave"]


@final
class ExpertsSite(Attached):
    """A hook before a module's forward and one behind it, also where that raises."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.gates: dict[str, list[ExpertsGate]] = {}
        self._sums: dict[str, tuple[object, Tensor]] = {}
        self._inside = 0
        self._handles = (
            module.register_forward_pre_hook(self._before),
            module.register_forward_hook(self._after, always_call=True),
        )

    def change(self, leaf: str, gates: list[ExpertsGate]) -> None:
        """These are on a parameter now."""
        self._sums.pop(leaf, None)
        self.module.__dict__.pop(leaf, None)
        self.gates = {name: some for name, some in {**self.gates, leaf: gates}.items() if some}

    def close(self) -> None:
        """Take the hooks off."""
        for handle in self._handles:
            handle.remove()

    def _before(self, module: nn.Module, args: Any) -> None:
        if not torch.compiler.is_compiling():
            self._inside += 1  # threads may run one module at once
        for leaf, gates in self.gates.items():
            total = self._total(leaf, gates)
            if total is not None:
                module.__dict__[leaf] = total

    def _after(self, module: nn.Module, args: Any, output: Any) -> None:
        if not torch.compiler.is_compiling():
            self._inside = max(0, self._inside - 1)  # where a hook before ours raised, ours did not run
        if not self._inside:
            for leaf in self.gates:
                module.__dict__.pop(leaf, None)

    def _total(self, leaf: str, gates: list[ExpertsGate]) -> Tensor | None:
        """The parameter with all changes, or None where there are none."""
        tensor = tensor_at(self.module, leaf)
        assert tensor is not None
        if torch.compiler.is_compiling():
            return changed(tensor, [pair for gate in gates for pair in gate.factors(every=True)])
        for gate in gates:
            gate.called = True
        factors = [pair for gate in gates for pair in gate.factors()]
        if not factors:
            self._sums.pop(leaf, None)
            return None
        # A tensor made in inference mode has no count of its changes.
        if tensor.is_inference() or (tensor.requires_grad and torch.is_grad_enabled()):
            return changed(tensor, factors)
        seen = tensor.data_ptr(), tensor.device, tensor.dtype, tensor._version, [gate.weights for gate in gates]
        kept = self._sums.get(leaf)
        if kept is None or kept[0] != seen:
            with torch.inference_mode(False), torch.no_grad():
                kept = self._sums[leaf] = seen, changed(tensor, factors)
        return kept[1]


def join(module: nn.Module, gate: ExpertsGate) -> None:
    """Put a gate on its module."""
    site, leaf = _site(module) or ExpertsSite(module), gate.place[1]
    site.change(leaf, [*site.gates.get(leaf, ()), gate])


def leave(module: nn.Module, gate: ExpertsGate) -> None:
    """Take a gate off its module, and the hooks with the last one."""
    site, leaf = _site(module), gate.place[1]
    if site is not None:
        site.change(leaf, [one for one in site.gates.get(leaf, ()) if one is not gate])
        if not site.gates:
            site.close()


def _site(module: nn.Module) -> ExpertsSite | None:
    hooks = (getattr(hook, "__self__", None) for hook in module._forward_pre_hooks.values())
    return next((owner for owner in hooks if isinstance(owner, ExpertsSite)), None)

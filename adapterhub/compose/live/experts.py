"""Changes of parameters that a module uses itself, as mixtures of experts do: one matrix for each expert.

    (E, out, in), or (E, in, out)      a matrix that stands alone, (out, in), counts as E = 1

Which way a parameter lies its shape tells; of a square, what the module says of itself (`is_transposed`).
"""

from collections.abc import Mapping
from dataclasses import replace

from torch import nn

from adapterhub.compose.live.layers import PLAIN
from adapterhub.compose.live.swap import tensor_at
from adapterhub.lora.delta import Delta

__all__ = ["Experts", "Place", "experts_of"]

Place = tuple[str, str]
"""The path of a module, and the name of one of its parameters."""

Experts = Mapping[int, Delta]
"""The changes of one parameter by the number of their matrix, each written the way that lies."""


def experts_of(module: nn.Module, leaf: str, deltas: Experts) -> Experts | str:
    """The changes as they lie in a module's parameter, or the reason why they cannot be made."""
    tensor = tensor_at(module, leaf)
    if tensor is None:
        return f"is no parameter of {type(module).__name__}"
    if tensor.is_meta or tensor.dtype not in PLAIN:
        return "is offloaded or quantised, and nothing can be added to it"
    shape = tuple(tensor.shape)
    count, *matrix = shape if len(shape) == 3 else (1, *shape)
    found = {}
    for number, delta in deltas.items():
        out, into = delta.shape
        if number >= count or sorted(matrix) != sorted((out, into)):
            return f"is {'×'.join(map(str, shape))}, the adapter changes {out}×{into} of matrix {number}"
        turned = _turned(module, shape, delta)
        if turned is None:
            return (
                f"is {'×'.join(map(str, shape))}: whether that is (out, in) or (in, out) cannot be told from a square, "
                "and versions of peft differ"
            )
        found[number] = replace(delta, A=delta.B.T, B=delta.A.T) if turned else delta
    return found


def _turned(module: nn.Module, shape: tuple[int, ...], delta: Delta) -> bool | None:
    if shape[-2] != shape[-1]:
        return shape[-2:] != delta.shape
    if len(shape) == 2:
        return False
    # Where a module says (in, out) all versions of peft agree; else some have read the square the other way round.
    return True if getattr(module, "is_transposed", False) else None

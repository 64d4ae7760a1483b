"""Whose tensors stand in place of the base's: what replaces something is chosen, never blended.

One rule for a stack, a merge and a fuse. An adapter that is off has no say. Of those that are on and carry whole
tensors, the only one's are used, whole at any weight above 0, since half a head is none; where there are several, the
one that is named.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["chosen", "copied", "distinct", "faults", "same"]

Tensors = Mapping[Any, Tensor]
"""Whole tensors by the place where they stand."""


def distinct(carriers: Mapping[str, float], tensors: Mapping[str, Tensors], choose: str | None) -> dict[str, float]:
    """The carriers with one for all that bring the same tensors: the chosen one, else the first of positive weight."""
    kept: list[str] = []
    for name in sorted(carriers, key=lambda name: (name != choose, carriers[name] <= 0)):
        if not any(same(tensors[name], tensors[other]) for other in kept):
            kept.append(name)
    return {name: weight for name, weight in carriers.items() if name in kept}


def same(one: Tensors, other: Tensors) -> bool:
    """Whether two adapters put the same values in the same places; of outlines nobody knows.

    >>> head = {"score.weight": torch.ones(2, 3)}
    >>> same(head, {"score.weight": torch.ones(2, 3, dtype=torch.bfloat16)}), same(head, {}), same({}, {})
    (True, False, False)
    """
    return bool(one) and one.keys() == other.keys() and all(_equal(one[place], other[place]) for place in one)


def copied(own: Tensor, tensor: Tensor) -> bool:
    """Whether a whole tensor holds a model's own values, as the model stores them: it was saved, and never trained."""
    return torch.equal(own, tensor.to(own.device, own.dtype))


def _equal(one: Tensor, other: Tensor) -> bool:
    wide = torch.promote_types(one.dtype, other.dtype)
    return not one.is_meta and not other.is_meta and torch.equal(one.to(wide), other.to(one.device, wide))


def chosen(carriers: Mapping[str, float], choose: str | None) -> str | None:
    """The adapter whose tensors are used, None where nobody has any. `faults` must have found nothing."""
    on = [name for name, weight in carriers.items() if weight]
    return choose if choose in on else next(iter(on), None)


def faults(carriers: Mapping[str, float], choose: str | None, names: Collection[str], what: str) -> Iterator[str]:
    """What stands in the way of a choice.

    carriers: the weights of those that carry such tensors; names: of all adapters; what: the tensors, in words.
    """
    on = {name: weight for name, weight in carriers.items() if weight}
    if choose is not None and choose not in names:
        yield f"{choose} was chosen, and is not among {', '.join(names)}"
    elif choose is not None and on and choose not in on:
        yield f"{choose} was chosen, and has no {what}"
    elif choose is None and len(on) > 1:
        yield f"{' and '.join(on)} each have their own {what}, which are never blended: choose whose (choose, --choose)"
    name = chosen(carriers, choose)
    if name is not None and on[name] < 0:
        yield f"{name} has a weight of {on[name]:g}: its {what} stand in place of the base's, and cannot be taken away"

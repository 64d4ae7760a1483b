"""Pruning by magnitude: the smallest weights become zero.

    W' = mask ∘ W        mask = |W| is not among the k smallest,  k = round(share·n)

global: the k smallest of all chosen weights together, so that layers with small weights lose more; layer: the same
share of each. The share is exact, weights that are zero already count, and the zeros themselves are the mask.

Han et al. 2015, https://arxiv.org/abs/1506.02626; global magnitude: Blalock et al. 2020,
https://arxiv.org/abs/2003.03033
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from adapterhub.errors import WrongUsage
from adapterhub.train.compress.error import Loss, lost
from adapterhub.train.compress.smallest import Smallest, find
from adapterhub.train.compress.targets import live

__all__ = ["Scope", "check", "cuts", "prune", "zeros"]

Scope = Literal["global", "layer"]


def cuts(
    sizes: Mapping[str, int], get: Callable[[str], Tensor], share: float, scope: Scope = "global"
) -> Mapping[str, Smallest]:
    """For each weight what zeroes its part, to be applied once in the order of `sizes`, which counts their numbers.

    `get` reads one weight, and none is kept: every weight is read twice.
    """
    check(share)
    if scope == "layer":
        return {name: find(partial(map, get, [name]), _count(share, size)) for name, size in sizes.items()}
    one = find(lambda: map(get, sizes), _count(share, sum(sizes.values())))
    return dict.fromkeys(sizes, one)


@torch.no_grad()
def prune(model: nn.Module, share: float, *, scope: Scope = "global", keep: Iterable[str] = ()) -> dict[str, Loss]:
    """Zero the smallest weights of a live model in place; what each weight lost."""
    weights = live(model, keep)
    found = cuts({name: weight.numel() for name, weight in weights.items()}, weights.__getitem__, share, scope)
    losses = {}
    for name, weight in weights.items():
        pruned = found[name].zeroed(weight)
        losses[name] = lost(weight, pruned)
        weight.copy_(pruned)
    return losses


def zeros(weights: Iterable[Tensor]) -> float:
    """The share of zeros in weights.

    >>> zeros([torch.tensor([0.0, 1.0, 0.0, 2.0])])
    0.5
    """
    counts = [(int((weight == 0).sum()), weight.numel()) for weight in weights]
    return sum(none for none, _ in counts) / max(1, sum(size for _, size in counts))


def check(share: float) -> None:
    """`WrongUsage` unless so much can be pruned."""
    if not 0 <= share < 1:
        raise WrongUsage(f"the share to prune is at least 0 and below 1, got {share}", hint="0.9 leaves one in ten")


def _count(share: float, size: int) -> int:
    return int(share * size + 0.5)

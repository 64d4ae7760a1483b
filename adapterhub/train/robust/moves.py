"""Where an input goes to hurt a model: from the gradient of the loss and where it has gone so far.

    fgm    d = ε·g/‖g‖                    over all of an example; Miyato et al. 2016, https://arxiv.org/abs/1605.07725
    fgsm   d = ε·sign g                   Goodfellow et al. 2014, https://arxiv.org/abs/1412.6572
    pgd    d ← clip(d + α·sign g, ±ε)     k times; Madry et al. 2017, https://arxiv.org/abs/1706.06083

ε is the length of the whole move in fgm, and the largest move of one number in the other two.

An example's move hangs on nothing but its own gradient: all of them begin at the input itself and not at a random
point near it, which would be another one in another batch.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from adapterhub.train.config import RobustConfig

__all__ = ["MOVES", "passes"]


def fgm(gradient: Tensor, _before: Tensor, config: RobustConfig) -> Tensor:
    """gradient: (examples, …); each example moves by ε, or not at all where its gradient is nothing."""
    rows = gradient.flatten(1)
    rows = rows / _safe(rows.abs().amax(1, keepdim=True))  # squares of small gradients would be nothing in fp32
    return (config.epsilon * rows / _safe(torch.linalg.norm(rows, dim=1, keepdim=True))).view(gradient.shape)


def fgsm(gradient: Tensor, _before: Tensor, config: RobustConfig) -> Tensor:
    """Every number moves by ε."""
    return config.epsilon * gradient.sign()


def pgd(gradient: Tensor, before: Tensor, config: RobustConfig) -> Tensor:
    """Every number moves by one step, and no further than ε from where it began."""
    step = config.step_size or 2.5 * config.epsilon / config.steps
    return (before + step * gradient.sign()).clamp(-config.epsilon, config.epsilon)


MOVES: dict[str, Callable[[Tensor, Tensor, RobustConfig], Tensor]] = {"fgm": fgm, "fgsm": fgsm, "pgd": pgd}
"""The name in the config -> (gradient, where it is now, config) -> where it goes; all (examples, …)."""


def passes(config: RobustConfig) -> int:
    """How many gradients an attack takes."""
    return config.steps if config.attack == "pgd" else 1


def _safe(length: Tensor) -> Tensor:
    return torch.where(length > 0, length, 1.0)

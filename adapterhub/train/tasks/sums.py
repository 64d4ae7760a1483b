"""Losses as sums: cross entropy in fp32 over what counts, and how many things that is."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

__all__ = ["IGNORED", "of_tokens", "row_losses", "row_sums", "summed"]

IGNORED = -100
"""The target of what does not count."""


def summed(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The summed cross entropy where a target is not `IGNORED`, and how many those are.

    logits: (…, k)    targets: (…) of integers    returns two scalars
    """
    counted = targets != IGNORED
    # Selected first, so that the fp32 copy is only of what counts.
    return cross_entropy(logits[counted].float(), targets[counted], reduction="sum"), counted.sum()


def row_losses(logits: Tensor, targets: Tensor) -> Tensor:
    """The summed cross entropy of each row.

    logits: (n, t, k)    targets: (n, t)    returns (n,)
    """
    return torch.as_tensor(
        cross_entropy(logits.float().transpose(1, 2), targets, reduction="none", ignore_index=IGNORED)
    ).sum(1)


def row_sums(logits: Tensor, targets: Tensor) -> list[NDArray[np.float64]]:
    """Of each row the summed cross entropy, how many targets count, and how many of them are the most probable.

    logits: (n, t, k)    targets: (n, t)    returns n arrays of (3,)
    """
    counted = targets != IGNORED
    chosen, wanted = logits[counted].float(), targets[counted]
    found = torch.stack(
        [cross_entropy(chosen, wanted, reduction="none"), torch.ones_like(chosen[:, 0]), chosen.argmax(-1) == wanted]
    )
    rows = torch.split(found.cpu().double(), counted.sum(1).tolist(), dim=1)
    return [row.sum(1).numpy() for row in rows]


def of_tokens(sums: NDArray[np.floating[Any]]) -> dict[str, float]:
    """The mean loss of a token, and the share of tokens that were the most probable; `sums`: (n, 3) of `row_sums`."""
    loss, count, right = sums.sum(0)
    return {"loss": float(loss / max(count, 1)), "token_accuracy": float(right / max(count, 1))}

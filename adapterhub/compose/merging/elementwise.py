"""What is done to the elements of one update, and how the elements of several become one.

Each function takes a block of rows of an update in fp32 and gives a block of the same shape. `density` is the part of
the elements that is kept, between 0 and 1; `chance` holds uniform numbers of the block's shape.
"""

import torch
from torch import Tensor

__all__ = ["band", "drop", "elect", "rank_drop", "trim"]


def trim(rows: Tensor, limit: float) -> Tensor:
    """The elements of at least this magnitude, the others 0. `limit`: the k-th largest of the whole update."""
    return torch.where(rows.abs() >= limit, rows, 0.0)


def band(rows: Tensor, low: float, high: float) -> Tensor:
    """The elements of magnitude above `low` and at most `high`: neither noise nor outliers.

    Davari and Belilovsky 2023 (Model Breadcrumbs), https://arxiv.org/abs/2312.06795
    """
    size = rows.abs()
    return torch.where((size > low) & (size <= high), rows, 0.0)


def drop(rows: Tensor, chance: Tensor, density: float) -> Tensor:
    """Each element kept with probability `density` and divided by it, so the expected value stays.

    Yu et al. 2023 (DARE), https://arxiv.org/abs/2311.03099
    """
    return torch.where(chance < density, rows / density, 0.0)


def rank_drop(rows: Tensor, chance: Tensor, density: float, spread: float) -> Tensor:
    """Each element kept with a probability that grows with its rank by magnitude in its row, and divided by it.

    The smallest of a row is kept with probability density − spread/2, the largest with density + spread/2, those
    between evenly spaced. Deep et al. 2024 (DELLA), https://arxiv.org/abs/2406.11617
    """
    width = rows.shape[1]
    ranks = rows.abs().argsort(dim=1, stable=True).argsort(dim=1)
    keep = density - spread / 2 + ranks.to(rows.dtype) * (spread / max(1, width - 1))
    return torch.where(chance < keep, rows / keep, 0.0)


def elect(weighted: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean of the elements that agree with the elected sign.

    weighted: (n, rows, in), wᵢ·ΔWᵢ    weights: (n,)    The sign of an element is that of Σ wᵢ·ΔWᵢ; the mean runs over
    the updates whose wᵢ·ΔWᵢ has it, divided by the sum of their |wᵢ|. Yadav et al. 2023 (TIES),
    https://arxiv.org/abs/2306.01708
    """
    sign = torch.sign(weighted.sum(0))
    agree = (torch.sign(weighted) == sign) & (weighted != 0)
    total = torch.where(agree, weighted, 0.0).sum(0)
    share = torch.where(agree, weights.abs().to(weighted.dtype)[:, None, None], 0.0).sum(0)
    return torch.where(share > 0, total / share.clamp_min(torch.finfo(share.dtype).tiny), 0.0)

"""What is measured of the updates of one weight, in sums that add up over the modules of an adapter."""

from typing import NamedTuple

import torch
from torch import Tensor

from adapterhub.audit.comparing.factor import Directions
from adapterhub.audit.comparing.loss import of_all, of_pairs
from adapterhub.audit.comparing.signs import signs

__all__ = ["Numbers", "Sums", "measured", "numbers"]


class Sums(NamedTuple):
    """Of every pair (n, n), over one module or several; the last two of all updates together.

    dot             <ΔWa, ΔWb>; on the diagonal ‖ΔWa‖²
    outer, inner    ‖UaᵀUb‖² and ‖VaᵀVb‖²
    least           min(pa, pb)
    chance          what (outer + inner)/2 would be for subspaces drawn at random
    differ, both    entries whose signs differ, entries both change; variance: that of the first
    wanted, missed  ‖ΔWa + ΔWb‖², and what its best update of the larger rank leaves out
    """

    dot: Tensor
    outer: Tensor
    inner: Tensor
    least: Tensor
    chance: Tensor
    differ: Tensor
    both: Tensor
    variance: Tensor
    wanted: Tensor
    missed: Tensor
    all_wanted: Tensor
    all_missed: Tensor

    def plus(self, more: "Sums") -> "Sums":
        """Over the modules of both."""
        return Sums(*(one + other for one, other in zip(self, more, strict=True)))


class Numbers(NamedTuple):
    """The same as ratios, by the names of a `Pair`; NaN where there is nothing to divide by."""

    cosine: Tensor
    overlap: Tensor
    overlap_out: Tensor
    overlap_in: Tensor
    overlap_by_chance: Tensor
    sign_conflict: Tensor
    sign_conflict_error: Tensor


def measured(found: Directions, ranks: Tensor, module: str) -> Sums:
    """The sums of one module. ranks: (n,) of the factors as they are saved, 0 where there are none."""
    counts = torch.tensor(found.counts, dtype=torch.float64)
    weights = found.S[:, None] * found.S
    least, most = torch.minimum(counts[:, None], counts), torch.maximum(counts[:, None], counts)
    return Sums(
        found.per_pair(weights * found.outer * found.inner),
        found.per_pair(found.outer**2),
        found.per_pair(found.inner**2),
        least,
        # E‖QaᵀQb‖² = pa·pb/m for subspaces of a space of m dimensions.
        least * most * (1 / found.U.shape[0] + 1 / found.V.shape[0]) / 2,
        *signs(found, module),
        *of_pairs(found, ranks),
        *of_all(found, int(ranks.max())),
    )


def numbers(sums: Sums) -> Numbers:
    """What the sums say."""
    norms = sums.dot.diagonal().sqrt()
    return Numbers(
        (sums.dot / norms / norms[:, None]).clamp(-1, 1),
        (sums.outer + sums.inner) / 2 / sums.least,
        sums.outer / sums.least,
        sums.inner / sums.least,
        sums.chance / sums.least,
        sums.differ / sums.both,
        sums.variance.sqrt() / sums.both,
    )

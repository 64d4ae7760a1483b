"""What the best update of a given rank leaves out of a sum of updates, from their directions alone.

    Σ ΔWᵢ = U·D·Vᵀ        L·Lᵀ = VᵀV        the sum's squared singular values are the eigenvalues of Lᵀ·(D·UᵀU·D)·L

Of these the best update of rank k leaves out all but the k largest.

Eckart and Young 1936, https://doi.org/10.1007/BF02288367
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

from adapterhub.audit.comparing.factor import Directions

__all__ = ["Loss", "of_all", "of_pairs"]

JITTER = 1e-12
"""Added to the diagonal of VᵀV, which is singular where updates share directions; its root bounds the error."""

BATCH = 2048
"""Pairs that are taken apart at once."""


class Loss(NamedTuple):
    """‖wanted‖² and ‖wanted − got‖² of sums that are cut: of each pair (n, n), or of one sum ()."""

    wanted: Tensor
    missed: Tensor


def of_pairs(found: Directions, ranks: Tensor) -> Loss:
    """Of the sum of every pair, cut to the larger of its ranks. ranks: (n,)"""
    count = len(found.counts)
    loss = Loss(found.S.new_zeros(count, count), found.S.new_zeros(count, count))
    for a, b in _pairs(found.counts):
        slots = torch.cat([_slots(found, a), _slots(found, b)], 1)
        cut = _cut(found, slots, torch.maximum(ranks[a], ranks[b]))
        for whole, part in zip(loss, cut, strict=True):
            whole[a, b] = whole[b, a] = part
    return loss


def of_all(found: Directions, rank: int) -> Loss:
    """Of the sum of all, cut to a rank."""
    if not len(found.S):
        return Loss(found.S.new_zeros(()), found.S.new_zeros(()))
    wanted, missed = _cut(found, torch.arange(len(found.S))[None], torch.tensor([rank]))
    return Loss(wanted[0], missed[0])


def _pairs(counts: tuple[int, ...]) -> Iterator[tuple[Tensor, Tensor]]:
    """All pairs, those with as many directions together, so that their matrices have one size."""
    alike: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for a, b in combinations(range(len(counts)), 2):
        if counts[a] or counts[b]:
            alike.setdefault((counts[a], counts[b]), []).append((a, b))
    for pairs in alike.values():
        table = torch.tensor(pairs)
        for start in range(0, len(pairs), BATCH):
            yield table[start : start + BATCH, 0], table[start : start + BATCH, 1]


def _slots(found: Directions, places: Tensor) -> Tensor:
    """The directions of updates that have as many each. places: (m,)    returns (m, p)"""
    counts = torch.tensor(found.counts)
    starts = counts.cumsum(0) - counts
    return starts[places, None] + torch.arange(int(counts[places[0]]))


def _cut(found: Directions, slots: Tensor, ranks: Tensor) -> Loss:
    """Of sums of some of the directions each. slots: (m, p)    ranks: (m,)"""
    block = (slots[:, :, None], slots[:, None, :])
    D = found.S[slots]
    sum_out = D[:, :, None] * found.outer[block] * D[:, None, :]
    L = torch.linalg.cholesky(found.inner[block] + JITTER * torch.eye(slots.shape[1], dtype=D.dtype))
    squares = torch.linalg.eigvalsh(L.mT @ sum_out @ L).clamp_min(0).flip(1)
    beyond = torch.arange(slots.shape[1]) >= ranks[:, None]
    return Loss(squares.sum(1), (squares * beyond).sum(1))

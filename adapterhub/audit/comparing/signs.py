"""How often the signs of two updates differ, of the entries both change: what electing signs has to decide.

Of a large update only some entries are looked at: those of small squares at rows and columns that are drawn from a seed
the module's name gives, so that they cost a small product each and the squares tell how sure the result is.

Yadav et al. 2023 (TIES), https://arxiv.org/abs/2306.01708
"""

from typing import NamedTuple

import torch
from torch import Tensor

from adapterhub.audit.comparing.factor import NOISE, Directions
from adapterhub.digest import Digest

__all__ = ["ENTRIES", "Signs", "signs"]

ENTRIES = 65_536
"""Updates of up to so many entries are looked at whole; of larger ones so many are drawn."""

SIDE = 32
"""Rows and columns of the squares in which they are drawn."""


class Signs(NamedTuple):
    """Of every pair (n, n), in entries of the whole weight: how many differ, and how many both change.

    `variance` is that of differ − share·both, the error of the ratio times both, squared; 0 where all were looked at.
    """

    differ: Tensor
    both: Tensor
    variance: Tensor


def signs(found: Directions, module: str) -> Signs:
    """The signs of the updates of one module, whose name seeds what is drawn."""
    out, into = found.U.shape[0], found.V.shape[0]
    seen = _entries(found, *_squares(out, into, module))
    squares, whole = len(seen), out * into / (seen.shape[0] * seen.shape[2])
    both = (seen.abs() @ seen.abs().mT).double() * whole
    differ = (both - (seen @ seen.mT).double() * whole) / 2
    share = differ.sum(0) / both.sum(0).clamp_min(1)
    # Each square is one draw: the entries of its rows and columns are no more independent than those are.
    spread = ((differ - share * both) ** 2).sum(0)
    variance = spread * squares / (squares - 1) if squares > 1 else torch.zeros_like(spread)
    return Signs(differ.sum(0), both.sum(0), variance)


def _squares(out: int, into: int, module: str) -> tuple[Tensor, Tensor]:
    """Rows and columns of what is looked at: (squares, side) each."""
    if out * into <= ENTRIES:
        return torch.arange(out)[None], torch.arange(into)[None]
    random = torch.Generator().manual_seed(int(Digest.of(module.encode()).hex[:15], 16))
    shape = (ENTRIES // SIDE**2, SIDE)
    return torch.randint(out, shape, generator=random), torch.randint(into, shape, generator=random)


def _entries(found: Directions, rows: Tensor, columns: Tensor) -> Tensor:
    """The signs of the entries in fp32, 0 where an entry is no more than rounding: (squares, n, entries)"""
    seen = []
    for place in range(len(found.counts)):
        slots = found.slots(place)
        S = found.S[slots]
        values = (found.U[:, slots][rows] * S) @ found.V[:, slots][columns].mT
        usual = torch.linalg.norm(S) / (found.U.shape[0] * found.V.shape[0]) ** 0.5
        seen.append((values.sign() * (values.abs() > NOISE * usual)).flatten(1).float())
    return torch.stack(seen, 1)

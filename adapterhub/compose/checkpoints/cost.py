"""What a fuse will cost, from a plan alone: leading terms, no promises."""

from dataclasses import dataclass
from typing import final

import torch

from adapterhub.compose.checkpoints.fuse_plan import FusePlan
from adapterhub.compose.checkpoints.patch import BLOCK, Patch
from adapterhub.compose.checkpoints.stream import THREADS

__all__ = ["Cost", "cost"]

COPIES = 3
"""Of a block: as it is stored, in the wide type, and a product."""


@final
@dataclass(frozen=True)
class Cost:
    """Floating-point operations; bytes read of the base and written; bytes of memory; the coarsest rounding."""

    flops: int
    reads: int
    writes: int
    memory: int
    rounding: float


def cost(plan: FusePlan) -> Cost:
    """2·R for each number of a changed matrix; twice that where DoRA measures its rows before."""
    base, patches = plan.base, list(plan.targets.patches.values())
    names = (*base.shards, *base.beside, *([base.index] if base.index else []))
    files = sum((base.folder / name).stat().st_size for name in names)
    added = sum(tensor.nbytes for tensor in plan.targets.added.values())
    floats = [patch.dtype for patch in patches if patch.dtype.is_floating_point]
    buffers = max((COPIES * patch.wide.itemsize * _block(patch) for patch in patches), default=0)
    return Cost(
        flops=sum(map(_flops, patches)),
        reads=files,
        writes=files + added,
        memory=sum(map(_factors, patches)) + added + THREADS * buffers,
        rounding=max((torch.finfo(dtype).eps / 2 for dtype in floats), default=0.0),
    )


def _block(patch: Patch) -> int:
    return min(max(BLOCK, patch.width), patch.height * patch.width)


def _flops(patch: Patch) -> int:
    measured = sum(one.delta.rank for one in patch.doras)
    return 2 * patch.height * patch.width * (sum(delta.rank for delta, _ in patch.deltas) + 2 * measured)


def _factors(patch: Patch) -> int:
    """Bytes of the adapters' factors and of what stands in place of something."""
    deltas = [*(delta for delta, _ in patch.deltas), *(one.delta for one in patch.doras)]
    whole = patch.whole.nbytes if patch.whole is not None else 0
    return whole + sum(delta.A.nbytes + delta.B.nbytes for delta in deltas)

"""How large an update is and how many directions it has, from its factors: a matrix of r × r has all of it."""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from adapterhub.audit.deep.values import Update
from adapterhub.base.fold import sentence
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta
from adapterhub.lora.thin import core

__all__ = ["ENERGY", "MOST", "measure", "unmeasured"]

ENERGY = 0.99
"""The part of ‖ΔW‖² that the directions keep which are counted."""

MOST = 1024
"""Ranks up to here are taken apart. Larger ones, as Kronecker products have, cost as much as the whole weight."""

NOTHING = 1e-12
"""A product below this part of ‖B‖·‖A‖ is what float64 makes of zero."""


def measure(adapter: Adapter) -> Iterator[Update]:
    """The update of each module; what is too large to be taken apart, or is no number, has a rank alone."""
    for module, delta in adapter.deltas.items():
        S = _singular(delta)
        if S is None or (delta.loose and len(S)):
            yield Update(module=module, rank=delta.rank)
        elif not len(S):
            yield Update(module=module, rank=delta.rank, norm=0.0, effective_rank=0.0, directions=0)
        else:
            yield _update(module, delta.rank, S)


def _update(module: str, rank: int, S: Tensor) -> Update:
    parts = S / S[0]
    total = float((parts**2).sum())
    kept = (parts**2).cumsum(0) < ENERGY * total * (1 - 1e-12)
    spread = float(torch.special.entr(parts / parts.sum()).sum())
    return Update(
        module=module,
        rank=rank,
        norm=float(S[0]) * math.sqrt(total),
        effective_rank=round(math.exp(spread), 4),
        directions=int(kept.sum()) + 1,
    )


def unmeasured(adapter: Adapter, updates: Iterable[Update]) -> Iterator[str]:
    """What `measure` did not measure, in words."""
    missing = [one.module for one in updates if one.norm is None]
    reasons: dict[str, list[str]] = {}
    for module in missing:
        reasons.setdefault(_reason(adapter.deltas[module]), []).append(module)
    yield from (f"{reason} at {sentence(modules)}" for reason, modules in reasons.items())


def _reason(delta: Delta) -> str:
    if delta.rank > MOST:
        return f"updates of a rank above {MOST}"
    if delta.loose:
        return "updates of factors that are wider than the weight, as VeRA's are,"
    return "updates that are no number, or too large for one,"


def _singular(delta: Delta) -> Tensor | None:
    """The singular values of s·B·A in falling order, none where it is zero; None where they cannot be told."""
    B, A = delta.B.double(), delta.A.double()
    b, a = float(B.abs().amax()), float(A.abs().amax())
    if delta.rank > MOST or not math.isfinite(a * b * delta.scale):
        return None
    if not a * b * delta.scale:
        return B.new_zeros(0)
    # Divided by their largest values first: the square of a number a double can hold may be none.
    B, A = B / b, A / a
    S = torch.linalg.svdvals(core(B, A))
    if not len(S) or float(S[0]) <= NOTHING * float(torch.linalg.norm(B) * torch.linalg.norm(A)):
        return B.new_zeros(0)
    S *= a * b * abs(delta.scale)
    return S if math.isfinite(float(S[0]) * len(S)) else None

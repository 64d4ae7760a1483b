"""The same numbers from dense matrices, by the book and by numpy alone."""

from collections.abc import Mapping

import numpy as np
import torch

from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta

Dense = Mapping[str, np.ndarray]


def adapter(shapes: Mapping[str, tuple[int, int]], rank: int = 3, seed: int = 0, scale: float = 0.5) -> Adapter:
    """Normal factors in fp64 for some modules."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    return Adapter({name: Delta(normal(rank, n), normal(m, rank), scale) for name, (m, n) in shapes.items()})


def mapped(adapter: Adapter, change) -> Adapter:
    """An adapter with each of its deltas changed."""
    return Adapter({module: change(delta) for module, delta in adapter.deltas.items()})


def dense(adapter: Adapter) -> dict[str, np.ndarray]:
    """ΔW by module."""
    return {
        module: delta.scale * (delta.B.double().numpy() @ delta.A.double().numpy())
        for module, delta in adapter.deltas.items()
    }


def laid_out(one: Dense, other: Dense) -> tuple[np.ndarray, np.ndarray]:
    """Both as one long vector each, with zeros for a module one has not."""
    names = {**one, **other}
    both = ([side.get(name, np.zeros_like(names[name])).ravel() for name in names] for side in (one, other))
    a, b = (np.concatenate(parts) for parts in both)
    return a, b


def cosine(one: Dense, other: Dense) -> float:
    a, b = laid_out(one, other)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def sign_conflict(one: Dense, other: Dense) -> float:
    a, b = laid_out(one, other)
    both = (a != 0) & (b != 0)
    return float((np.sign(a) != np.sign(b))[both].mean())


def overlap(one: Dense, other: Dense) -> float:
    """The mean of both sides, each Σ‖QaᵀQb‖² / Σ min(pa, pb) over the common modules."""
    met, least = 0.0, 0
    for name in one.keys() & other.keys():
        (ua, va), (ub, vb) = (_spaces(side[name]) for side in (one, other))
        met += (np.linalg.norm(ua.T @ ub) ** 2 + np.linalg.norm(va.T @ vb) ** 2) / 2
        least += min(ua.shape[1], ub.shape[1])
    return met / least


def _spaces(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    u, s, vt = np.linalg.svd(matrix)
    count = int((s > 1e-9 * s[0]).sum())
    return u[:, :count], vt[:count].T


def svd_error(adapters: list[Adapter]) -> float:
    """What the best matrices of the largest rank in each module leave out of the sum, relative to it."""
    wanted = missed = 0.0
    for name in {name for one in adapters for name in one.deltas}:
        here = [one for one in adapters if name in one.deltas]
        rank = max(one.deltas[name].rank for one in here)
        squares = np.linalg.svd(sum(dense(one)[name] for one in here), compute_uv=False) ** 2
        wanted, missed = wanted + squares.sum(), missed + squares[rank:].sum()
    return float(np.sqrt(missed / wanted))

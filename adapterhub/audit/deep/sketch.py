"""Is it the same update in other factors? A few numbers of each ΔW that do not hang on its factors.

    sketch(M) = uᵢᵀ·M·vⱼ    i, j = 1 … 3; u, v of normal numbers that a matrix's size alone decides

B·G⁻¹ and G·A have the product of B and A, so their sketch too, whatever G is and whatever ranks they have; B·A is never
made. The sketch is linear, and E(uᵀMv)² = ‖M‖²: the sketch of a difference tells how large the difference is.

Johnson and Lindenstrauss 1984; for products Woodruff 2014, https://arxiv.org/abs/1411.4357
"""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache

import torch
from torch import Tensor

from adapterhub.audit.deep.values import Sketch
from adapterhub.lora.adapter import Adapter

__all__ = ["sketches"]

PROBES = 3
WHOLE = ("shifts", "magnitudes", "biases", "tensors")
"""What an adapter carries as plain tensors."""


def sketches(adapter: Adapter) -> dict[str, Sketch]:
    """By kind and name; an empty table where a sketch is no finite number."""
    found = dict(_all(adapter))
    return found if all(math.isfinite(number) for row in found.values() for number in row) else {}


def _all(adapter: Adapter) -> Iterator[tuple[str, Sketch]]:
    for name, delta in adapter.deltas.items():
        left = _probes(delta.shape[0], 0).T @ delta.B.double()
        yield f"deltas {name}", _row(delta.scale * left @ (delta.A.double() @ _probes(delta.shape[1], 1)))
    for kind in WHOLE:
        table: Mapping[str, Tensor] = getattr(adapter, kind)
        for name, tensor in table.items():
            yield f"{kind} {name}", _whole(tensor)
    for name, gain in adapter.gains.items():
        yield f"gains {name} {gain.side}", _whole(gain.vector)
    for name, rows in adapter.rows.items():
        yield f"rows {name} {','.join(map(str, rows.indices))}", _whole(rows.values)


def _whole(tensor: Tensor) -> Sketch:
    if not tensor.numel():
        return ()
    matrix = tensor.reshape(tensor.shape[0] if tensor.ndim else 1, -1).double()
    return _row(_probes(matrix.shape[0], 0).T @ matrix @ _probes(matrix.shape[1], 1))


def _row(square: Tensor) -> Sketch:
    return tuple(square.flatten().tolist())


@lru_cache(64)
def _probes(size: int, side: int) -> Tensor:
    """(size, 3). NumPy's old generator is frozen (NEP 19), so that sketches which were kept stay comparable."""
    import numpy as np

    numbers = np.random.RandomState((size * 2 + side) % 2**32).standard_normal((size, PROBES))
    return torch.from_numpy(numbers)

"""What happens to one stored matrix, as one affine step on a block of its rows.

    W' = T ⊙ (1 + p·1ᵀ + 1·qᵀ) + L·R + Σ w·(v − W)
    W: (rows, columns) as stored    T: W, or what stands in place of all of it    L: (rows, R)    R: (R, columns)

    LoRA     L·R holds w·s·B·A, all adapters side by side
    DoRA     W + w·(diag(c)·(W + sBA) − W):  p += w·(c − 1), and w·s·c⊙B in place of w·s·B
             cᵢ = mᵢ/‖W + sBA‖ of row i, frozen for each adapter against the base, whatever stands in its place
    IA3      p += w·(l − 1) on the side of the outputs, q on the side of the inputs
    tokens   v stands in place of a stored row of W; a trained bias, which is a column, in place of each

Everything is said in the orientation (out, in); a matrix that is stored turned has L and R, p and q exchanged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, final

import torch
from torch import Tensor

from adapterhub.lora.delta import Delta
from adapterhub.lora.dora import Block, stretch

__all__ = ["Dora", "Patch", "Stand", "Step"]

BLOCK = 1 << 20
"""Elements of a block."""


class Dora(NamedTuple):
    """One DoRA adapter: m (out,), the change, its weight; the weight it was trained on where that is its own."""

    magnitude: Tensor
    delta: Delta
    weight: float
    own: Tensor | None = None


class Stand(NamedTuple):
    """What stands in place of some stored rows, as far as its weight says. values: (n, columns)"""

    rows: Tensor
    values: Tensor
    weight: float


class Step(NamedTuple):
    """L, R, p and q in the orientation of the stored matrix; no p or no q is None."""

    left: Tensor
    right: Tensor
    rows: Tensor | None
    columns: Tensor | None


@final
@dataclass(eq=False)
class Patch:
    """All changes of one stored matrix of `height` × `width` numbers that begins at byte `start` of its file.

    `whole` stands in place of the base's own values; what adds is added to it.
    """

    tensor: str
    start: int
    height: int
    width: int
    dtype: torch.dtype
    turned: bool = False
    deltas: list[tuple[Delta, float]] = field(default_factory=list)
    doras: list[Dora] = field(default_factory=list)
    gain_out: list[Tensor] = field(default_factory=list)
    gain_in: list[Tensor] = field(default_factory=list)
    stands: list[Stand] = field(default_factory=list)
    whole: Tensor | None = None

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.start + self.height * self.width * self.dtype.itemsize

    @property
    def wide(self) -> torch.dtype:
        """The type to compute in: fp32, or fp64 for what is stored in fp64; counters and masks are only replaced."""
        if not self.dtype.is_floating_point:
            return self.dtype
        return torch.promote_types(self.dtype, torch.float32)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """The first row and the row behind the last of each block."""
        if not self.width:
            return
        step = max(1, BLOCK // self.width)
        for first in range(0, self.height, step):
            yield first, min(self.height, first + step)

    def step(self, values: Callable[[int, int], Tensor]) -> Step:
        """The change, ready for every block. `values(first, last)` are stored rows of W; only DoRA looks at them."""
        out, into = (self.width, self.height) if self.turned else (self.height, self.width)
        B, A, gains = [torch.zeros(out, 0, dtype=self.wide)], [torch.zeros(0, into, dtype=self.wide)], [*self.gain_out]
        for delta, weight in self.deltas:
            B.append((delta.B.double() * (delta.scale * weight)).to(self.wide))
            A.append(delta.A.to(self.wide))
        for magnitude, delta, weight, own in self.doras:
            c = stretch(self._parts(values, own), delta, magnitude)
            B.append((delta.B.double() * (c * (delta.scale * weight))[:, None]).to(self.wide))
            A.append(delta.A.to(self.wide))
            gains.append((c - 1) * weight)
        left, right = torch.cat(B, 1), torch.cat(A)
        p, q = _sum(gains, self.wide), _sum(self.gain_in, self.wide)
        return Step(right.T, left.T, q, p) if self.turned else Step(left, right, p, q)

    def _parts(self, values: Callable[[int, int], Tensor], own: Tensor | None) -> Iterator[Block]:
        """What DoRA measures, in the orientation (out, in)."""
        near = None if own is None else own.reshape(self.height, self.width)
        for first, last in self.blocks():
            rows = values(first, last) if near is None else near[first:last]
            yield Block(0, first, rows.T) if self.turned else Block(first, 0, rows)

    def apply(self, step: Step, block: Tensor, first: int, stored: Tensor) -> None:
        """Change a block in place: rows of T from `first` on, in the wide type; `stored` are the same rows of W."""
        last = first + len(block)
        stands = [
            (here, new.to(block) * weight, stored[here].to(block) * weight)
            for here, new, weight in self._here(first, last)
        ]
        if step.rows is not None or step.columns is not None:
            rows = 1 if step.rows is None else 1 + step.rows[first:last, None]
            block *= rows if step.columns is None else rows + step.columns
        for here, _, old in stands:  # first of all, so that nothing is left of a row that is replaced whole
            block[here] -= old
        for here, new, _ in stands:
            block[here] += new
        if len(step.right):
            block.addmm_(step.left[first:last], step.right)

    def _here(self, first: int, last: int) -> Iterator[Stand]:
        """Those of a block, their rows counted from its first."""
        for rows, values, weight in self.stands:
            inside = (rows >= first) & (rows < last)
            if inside.any():
                yield Stand(rows[inside] - first, values[inside], weight)


def _sum(tensors: list[Tensor], kind: torch.dtype) -> Tensor | None:
    return torch.stack([tensor.double() for tensor in tensors]).sum(0).to(kind) if tensors else None

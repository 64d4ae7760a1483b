"""Methods on elements: every update is pruned, then all are added, or their elements vote on the sign first.

The updates are seen a block of rows at a time, so that no more than one block of each exists at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from adapterhub.compose.merging import elementwise
from adapterhub.compose.rows import blocks, key_of, kth_largest
from adapterhub.lora.delta import Delta

Prune = Callable[[Tensor], Tensor]
"""Keeps some elements of a block of rows, and makes the others 0."""

__all__ = ["Elements", "Setting", "combine", "of_deltas", "of_tensor"]


@final
@dataclass(frozen=True)
class Elements:
    """Several updates of one shape. `rows(i, start, end)` are rows of the i-th, in fp32."""

    count: int
    shape: tuple[int, int]
    rows: Callable[[int, int, int], Tensor]


def of_deltas(deltas: Sequence[Delta]) -> Elements:
    """The elements of ΔWᵢ."""
    factors = [((delta.B.double() * delta.scale).float(), delta.A.float()) for delta in deltas]

    def rows(number: int, start: int, end: int) -> Tensor:
        B, A = factors[number]
        return B[start:end] @ A

    return Elements(len(deltas), deltas[0].shape, rows)


def of_tensor(updates: Tensor) -> Elements:
    """The elements of a tensor (n, rows, columns)."""
    near = updates.float()
    return Elements(len(near), (near.shape[1], near.shape[2]), lambda number, start, end: near[number, start:end])


@final
@dataclass(frozen=True)
class Setting:
    """How elements are pruned: by which function, with which parameters, and what random numbers hang on."""

    prune: "Callable[[Elements, int, Setting], Prune]"
    vote: bool
    params: Mapping[str, float]
    seed: int = 0
    module: str = ""

    def generator(self, number: int) -> torch.Generator:
        """The random numbers of one operand: keyed by seed, module and position, never by what it is made of."""
        return torch.Generator().manual_seed(key_of(self.seed, self.module, number))


def combine(elements: Elements, weights: Tensor, setting: Setting) -> Tensor:
    """One update out of several, dense, in fp32."""
    near = weights.float()
    pruned = [setting.prune(elements, number, setting) for number in range(elements.count)]
    result = torch.empty(elements.shape)
    for start, end in blocks(elements.shape[0]):
        kept = [prune(elements.rows(number, start, end)) for number, prune in enumerate(pruned)]
        weighted = torch.stack(kept) * near[:, None, None]
        result[start:end] = elementwise.elect(weighted, near) if setting.vote else weighted.sum(0)
    return result


def _limits(elements: Elements, number: int, parts: Sequence[float]) -> list[float]:
    """The magnitudes that this many of the elements, as parts of all, are not below."""
    height, width = elements.shape

    def every() -> Iterator[Tensor]:
        return (elements.rows(number, start, end) for start, end in blocks(height))

    return kth_largest(every, height * width, [round(part * height * width) for part in parts])


def trim(elements: Elements, number: int, setting: Setting) -> Prune:
    """Keep the largest, `density` of all."""
    size = elements.shape[0] * elements.shape[1]
    limit = _limits(elements, number, [max(setting.params["density"], 1 / size)])[0]
    return lambda rows: elementwise.trim(rows, limit)


def band(elements: Elements, number: int, setting: Setting) -> Prune:
    """Keep the next `density` of all after the largest, `outliers` of all."""
    one, top = 1 / (elements.shape[0] * elements.shape[1]), setting.params["outliers"]
    high, low = _limits(elements, number, [top + one, top + setting.params["density"] + one])
    return lambda rows: elementwise.band(rows, low, high)


def drop(elements: Elements, number: int, setting: Setting) -> Prune:
    """Keep each with a chance of `density`."""
    source, density = setting.generator(number), setting.params["density"]
    return lambda rows: elementwise.drop(rows, torch.rand(rows.shape, generator=source), density)


def rank_drop(elements: Elements, number: int, setting: Setting) -> Prune:
    """Keep each with a chance about `density` that grows with its size in its row."""
    source, density = setting.generator(number), setting.params["density"]
    spread = min(setting.params["spread"], 2 * density, 2 * (1 - density))
    return lambda rows: elementwise.rank_drop(rows, torch.rand(rows.shape, generator=source), density, spread)

"""Merges in a line, and what they must equal: dense linear algebra in float64."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from adapterhub.compose.merging.merge import Merged, merge, relative_error
from adapterhub.compose.merging.plan import plan
from adapterhub.compose.recipe import Recipe
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta

Parts = Sequence[tuple[Mapping[str, Delta], float]]


def merged(parts: Parts, method: str = "sum", **how: object) -> dict[str, Merged]:
    """{module: result} of a merge."""
    adapters = [{"adapter": f"ada/a{place}", "weight": weight} for place, (_, weight) in enumerate(parts)]
    recipe = Recipe.model_validate({"adapters": adapters, "method": method, **how})
    deltas = [part for part, _ in parts]
    return {step.module: result for step, result in merge(plan(recipe, [Adapter(part) for part in deltas]), deltas)}


def one(parts: Sequence[tuple[Delta, float]], method: str = "sum", **how: object) -> Merged:
    """The result in the only module."""
    return merged([({"m": delta}, weight) for delta, weight in parts], method, **how)["m"]


def error(results: Mapping[str, Merged]) -> float:
    """The relative error a merge tells."""
    return relative_error(results.values())


def dense(result: Merged) -> Tensor:
    """B·A of a result in float64."""
    return result.B.double() @ result.A.double()


def exact(parts: Sequence[tuple[Delta, float]]) -> Tensor:
    """Σ wᵢ·sᵢ·Bᵢ·Aᵢ in float64, dense."""
    return torch.stack([weight * update(delta) for delta, weight in parts]).sum(0)


def update(delta: Delta) -> Tensor:
    """ΔW in float64."""
    return delta.scale * (delta.B.double() @ delta.A.double())


def regauged(delta: Delta, seed: int = 0, stretched: float = 6.0) -> Delta:
    """The same update in other factors, one of them redundant; the largest is stretched so much more than the least."""
    source = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(delta.rank, delta.rank, generator=source, dtype=torch.float64)).Q
    stretch = turn @ torch.diag(torch.logspace(0, math.log10(stretched), delta.rank, dtype=torch.float64))
    A = torch.cat([stretch @ delta.A.double(), torch.randn(1, delta.shape[1], generator=source)]).float()
    B = torch.cat([delta.B.double() @ torch.linalg.inv(stretch), torch.zeros(delta.shape[0], 1)], 1).float()
    return Delta(A, B / 2, delta.scale * 2, delta.form)


def distance(got: Tensor, wanted: Tensor) -> float:
    """‖got − wanted‖ / ‖wanted‖."""
    return float(torch.linalg.norm(got - wanted) / torch.linalg.norm(wanted))


def matrix(rows: Sequence[Sequence[float]]) -> Delta:
    """A delta whose update is this matrix."""
    B = torch.tensor(rows)
    return Delta(torch.eye(B.shape[1]), B)

"""Methods that read the updates as vectors: everything they need are inner products, so they are exact in the core.

cores: (n, p, q), one for each update    weights: (n,)    result: (p, q)
"""

import math

import torch
from torch import Tensor

from adapterhub.errors import WrongUsage

__all__ = ["add", "karcher", "slerp"]


def add(cores: Tensor, weights: Tensor) -> Tensor:
    """Σ wᵢ·ΔWᵢ."""
    return torch.einsum("n,npq->pq", weights, cores)


def slerp(cores: Tensor, weights: Tensor) -> Tensor:
    """Two updates along the great circle: (sin((1−t)θ)·ΔW₁ + sin(tθ)·ΔW₂) / sin θ, t = w₂/(w₁+w₂), times w₁+w₂.

    θ is the angle between them; updates that are nearly parallel are interpolated on the line. An update that is zero
    has no direction, and is interpolated on the line too. Shoemake 1985, https://doi.org/10.1145/325165.325242
    """
    if len(cores) == 1:
        return add(cores, weights)
    total = _share(weights, "slerp")
    t = float(weights[1] / total)
    cosine = _cosine(cores[0], cores[1])
    theta = math.acos(max(-1.0, min(1.0, cosine)))
    if theta < 1e-4:
        return add(cores, weights)
    if math.pi - theta < 1e-4:
        raise WrongUsage(
            "slerp: the two updates point in opposite directions, so no great circle is the shortest",
            hint="use another method, such as sum",
        )
    first, second = math.sin((1 - t) * theta), math.sin(t * theta)
    return total * (first * cores[0] + second * cores[1]) / math.sin(theta)


def karcher(cores: Tensor, weights: Tensor, *, steps: int = 50) -> Tensor:
    """The mean direction on the sphere (the point with the least weighted squared angle to all), with the mean length.

    Fixed-point iteration x ← exp_x(Σ wᵢ·log_x(uᵢ)) on the unit vectors uᵢ = ΔWᵢ/‖ΔWᵢ‖, from their mean, until it
    stands still; the result has length Σ|wᵢ|·‖ΔWᵢ‖. Karcher 1977, https://doi.org/10.1002/cpa.3160300502
    """
    lengths = torch.linalg.norm(cores, dim=(1, 2))
    there = lengths > 0
    if int(there.sum()) == 0:
        return torch.zeros_like(cores[0])
    signed = cores[there] * torch.sign(weights[there])[:, None, None]
    units = (signed / lengths[there][:, None, None]).flatten(1)
    parts = weights[there].abs() / weights[there].abs().sum()
    at = parts @ units
    if float(torch.linalg.norm(at)) < 1e-12:
        raise WrongUsage("karcher: the updates cancel, so they have no mean direction", hint="use sum or ties")
    at = at / torch.linalg.norm(at)
    for _ in range(steps):
        step = parts @ _logs(at, units)
        size = float(torch.linalg.norm(step))
        if size < 1e-12:
            break
        at = math.cos(size) * at + math.sin(size) * step / size
    mean: Tensor = (float(weights[there].abs() @ lengths[there]) * at).view_as(cores[0])
    return mean


def _logs(at: Tensor, units: Tensor) -> Tensor:
    """log_x(u) = θ·(u − cos θ·x)/sin θ, for each row of units."""
    cosines = (units @ at).clamp(-1.0, 1.0)[:, None]
    across = units - cosines * at
    sines = torch.linalg.norm(across, dim=1, keepdim=True)
    angles = torch.atan2(sines, cosines)
    return across * torch.where(sines > 1e-12, angles / sines.clamp_min(1e-300), torch.ones_like(sines))


def _cosine(a: Tensor, b: Tensor) -> float:
    lengths = float(torch.linalg.norm(a)) * float(torch.linalg.norm(b))
    return float((a * b).sum()) / lengths if lengths else 1.0


def _share(weights: Tensor, method: str) -> float:
    if len(weights) != 2 or float(weights.min()) < 0 or float(weights.sum()) <= 0:
        raise WrongUsage(
            f"{method} goes from one adapter to another: wanted two weights of at least 0, got {weights.tolist()}",
            hint="name two adapters, as in 'ada/a*0.3 + ada/b*0.7'; for more use karcher or sum",
        )
    return float(weights.sum())

"""The first values of A and B. All but PiSSA and OLoRA begin where B·A = 0.

    default       A uniform, B = 0, as PEFT does
    gaussian      A normal with deviation 1/r, B = 0
    orthogonal    A and B from different rows of one orthogonal matrix: neither is 0, their product is
    aligned       A random with orthonormal rows, B = 0 (for `frozen-a`)
    pissa         s·B·A = the r largest singular triplets of W. Meng et al. 2024, https://arxiv.org/abs/2404.02948
    olora         B·A = the first r columns and rows of W = Q·R. Büyükakyüz 2024, https://arxiv.org/abs/2406.01775
    eva           A = what the layer's inputs vary along most (`eva.py`), B = 0

PiSSA and OLoRA take what they begin with out of the frozen weight. What is saved is for the weight as it was:
ΔW = s·(B·A − B₀·A₀), twice the rank.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit
from adapterhub.formats.peft_keys import build_key
from adapterhub.train.methods import write
from adapterhub.train.methods.inject import Injected
from adapterhub.train.methods.targets import is_conv1d

__all__ = ["MUTATING", "on_pristine_base", "ranks", "remembered", "start"]

MUTATING = frozenset({"pissa", "olora"})
"""Those that change the frozen weights."""

Pair = tuple[Tensor, Tensor]
"""A (r, in) and B (out, r); of a convolution `in` counts channels and kernel."""


def ranks(model: nn.Module, chosen: Sequence[str], init: str, rank: int) -> dict[str, int]:
    """The rank of each module: no matrix has more orthonormal rows than columns, nor more singular values than both."""
    if init not in {"aligned", *MUTATING}:
        return dict.fromkeys(chosen, rank)
    shapes = {path: _shape(model.get_submodule(path)) for path in chosen}
    return {path: min(rank, n if init == "aligned" else min(out, n)) for path, (out, n) in shapes.items()}


def start(injected: Injected, init: str, directions: Mapping[str, Tensor]) -> None:
    """Give the factors their first values from torch's generator, module after module in the order of their names."""
    if init == "default":
        return
    with torch.no_grad():
        for path in sorted(injected.layers):
            A, B = injected.layers[path]["A"], injected.layers[path]["B"]
            shapes = (len(A), A[0].numel(), len(B))
            if init in MUTATING:
                first = _from_weight(injected, path, init)
            elif init == "orthogonal":
                first = _orthogonal(*shapes)
            else:
                first = directions[path] if init == "eva" else DRAWN[init](*shapes[:2]), torch.zeros(B.shape)
            A.copy_(first[0].reshape(A.shape))
            B.copy_(first[1].reshape(B.shape))


def remembered(injected: Injected) -> dict[str, Pair]:
    """Copies of the factors as they are now, as they are stored."""
    return {path: (layer["A"].detach().clone(), layer["B"].detach().clone()) for path, layer in injected.layers.items()}


def on_pristine_base(injected: Injected, initial: Mapping[str, Pair]) -> dict[str, Tensor]:
    """What is to be written for the base as it was loaded: B·A − B₀·A₀ = [B, −B₀]·[A; A₀]."""
    state = write.tensors(injected)
    for path, (A, B) in initial.items():
        state[build_key(path, "A")] = torch.cat([injected.layers[path]["A"].detach(), A.to(injected.layers[path]["A"])])
        state[build_key(path, "B")] = torch.cat(
            [injected.layers[path]["B"].detach(), -B.to(injected.layers[path]["B"])], 1
        )
    return state


def _gaussian(rank: int, into: int) -> Tensor:
    return torch.randn(rank, into) / rank


def _aligned(rank: int, into: int) -> Tensor:
    """Orthonormal rows, uniform among all such: the signs of R's diagonal are made part of Q."""
    Q, R = torch.linalg.qr(torch.randn(into, rank))
    rows: Tensor = (Q * R.diagonal().sign()).T
    return rows


DRAWN = {"gaussian": _gaussian, "aligned": _aligned}


def _orthogonal(rank: int, into: int, out: int) -> Pair:
    Q = torch.linalg.qr(torch.randn(rank, rank))[0]
    one, other = Q[0::2], Q[1::2]
    return 0.1 * (torch.randn(into, len(one)) @ one).T, 0.1 * torch.randn(out, len(other)) @ other


def _from_weight(injected: Injected, path: str, init: str) -> Pair:
    """Take factors out of the frozen weight."""
    layer, scale = injected.base(path), injected.scale(path)
    weight, rank = _weight(layer, path), len(injected.layers[path]["A"])
    wide = weight.float()
    if init == "pissa":
        U, S, Vh = torch.linalg.svd(wide, full_matrices=False)
        root = (S[:rank] / scale).sqrt()
        # A singular vector has no sign of its own: its largest number shall be positive, whoever computes it.
        root *= Vh[:rank].gather(1, Vh[:rank].abs().argmax(1, keepdim=True)).sign().flatten()
        A, B = root[:, None] * Vh[:rank], U[:, :rank] * root
    else:
        Q, R = torch.linalg.qr(wide)
        signs = torch.where(R.diagonal() < 0, -1.0, 1.0)[:rank]
        A, B = signs[:, None] * R[:rank], Q[:, :rank] * signs
    weight.copy_(wide - scale * B @ A)
    return A, B


def _shape(layer: nn.Module) -> tuple[int, int]:
    """(out, in) of the weight as a matrix."""
    shape = layer.get_parameter("weight").shape
    return (shape[1], shape[0]) if is_conv1d(layer) else (shape[0], math.prod(shape[1:]))


def _weight(layer: nn.Module, path: str) -> Tensor:
    """The weight as a matrix (out, in) that shares its memory."""
    if getattr(layer, "groups", 1) != 1:
        raise DoesNotFit(
            f"targets: {path} is a convolution in groups, whose weight is no single matrix",
            hint="leave it out of the targets, or begin with init: default",
        )
    weight: Tensor = layer.get_parameter("weight").detach()
    return weight.T if is_conv1d(layer) else weight.view(len(weight), -1)

"""EVA: A begins as the directions along which a layer's inputs are largest, and ranks go where most is explained.

Of each layer the inputs X (rows, in) of a few batches go through a running singular value decomposition; A is the first
right singular vectors. The ranks of all modules together stay what was asked for: the directions with the largest share
σᵢ²/Σσ² of their layer's inputs are taken, of each module one at least and twice the rank at most.
Paischer et al. 2024, https://arxiv.org/abs/2410.07170
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adapterhub.errors import WrongUsage
from adapterhub.train.methods.request import Request

__all__ = ["Sketch", "directions", "ranks"]

MOST = 2
"""A module's rank at most, as a multiple of the one asked for."""

KEPT = 4
"""Rows the running decomposition holds for every direction that is wanted."""


@final
class Sketch:
    """The largest singular triplets of rows that come in pieces, on the processor.

    Exact where rows are short or few; else each piece is projected to what is kept before it is decomposed, with
    numbers from torch's generator (Halko et al. 2011, https://arxiv.org/abs/0909.4061).
    """

    def __init__(self, wanted: int) -> None:
        self.kept = KEPT * wanted
        self.wanted = wanted
        self.rows: Tensor | None = None
        self.energy = 0.0

    def add(self, rows: Tensor) -> None:
        """Take in rows (n, in)."""
        rows = rows.detach().cpu().float()
        self.energy += float(rows.double().square().sum())
        known = rows if self.rows is None else torch.cat([self.rows, rows])
        if min(known.shape) > 2 * self.kept:
            _, S, V = torch.svd_lowrank(known, self.kept, niter=2)
            self.rows = (V * S).T
        else:
            _, S, Vh = torch.linalg.svd(known, full_matrices=False)
            self.rows = (S[:, None] * Vh)[: self.kept]

    def directions(self) -> tuple[Tensor, Tensor]:
        """Orthonormal rows (k, in), the largest first, and the share each explains (k,)."""
        if self.rows is None:
            return torch.empty(0, 0), torch.empty(0)
        sizes = self.rows.norm(dim=1)
        there = int((sizes > 1e-6 * sizes[0]).sum()) if len(sizes) else 0
        count = min(self.wanted, there)
        rows = self.rows[:count] / sizes[:count, None]
        # A singular vector has no sign of its own.
        signs = rows.gather(1, rows.abs().argmax(1, keepdim=True)).sign()
        return rows * signs, sizes[:count].double() ** 2 / self.energy


def directions(request: Request, chosen: Sequence[str]) -> dict[str, tuple[Tensor, Tensor]]:
    """The largest directions of modules' inputs with their shares, from the batches of the request.

    A module that no batch goes through has none and gets no adapter.
    """
    sketches = {path: Sketch(MOST * request.adapter.rank) for path in chosen}
    forward, model = request.forward or _call, request.model
    for batch in request.batches or ():
        with _watched(model, sketches, batch):
            forward(model, batch)
    found = {path: sketch.directions() for path, sketch in sketches.items()}
    seen = {path: rows_and_shares for path, rows_and_shares in found.items() if len(rows_and_shares[0])}
    if not seen:
        raise WrongUsage(
            "adapter.init: eva looks at what goes into the layers, and no batch went through one",
            hint="give some batches of the training rows, or take another init",
        )
    return seen


def ranks(found: Mapping[str, tuple[Tensor, Tensor]], rank: int) -> dict[str, int]:
    """The rank of each module: `rank` times the number of modules, given to where most is explained."""
    counts = dict.fromkeys(found, 1)
    rest = [(-float(share), path) for path, (_, shares) in found.items() for share in shares[1:]]
    for _, path in sorted(rest)[: (rank - 1) * len(found)]:
        counts[path] += 1
    return counts


@contextmanager
def _watched(model: nn.Module, sketches: Mapping[str, Sketch], batch: Any) -> Iterator[None]:
    """In evaluation mode and without gradients, every layer's inputs go into its sketch."""
    modes = {module: module.training for module in model.modules()}
    with ExitStack() as stack, torch.no_grad():
        for path, sketch in sketches.items():
            hook = partial(_look, sketch, _mask(batch))
            stack.callback(model.get_submodule(path).register_forward_pre_hook(hook).remove)
        model.eval()
        try:
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode


def _mask(batch: Any) -> Tensor | None:
    """(n, tokens), 0 where there is padding; it may lie among the inputs of a batch that has labels beside them."""
    if not isinstance(batch, Mapping):
        return None
    found = batch.get("attention_mask")
    return found if found is not None else next(filter(_is_tensor, map(_mask, batch.values())), None)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _look(sketch: Sketch, mask: Tensor | None, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    sketch.add(_rows(layer, inputs[0], mask))


def _rows(layer: nn.Module, inputs: Tensor, mask: Tensor | None) -> Tensor:
    """What the layer multiplies with its weight, (n, in), without padding."""
    if isinstance(layer, nn.Conv2d):
        sides: Any = layer._reversed_padding_repeated_twice
        padded = F.pad(inputs, tuple(sides))
        patches = F.unfold(padded, layer.kernel_size, layer.dilation, 0, layer.stride)
        return patches.transpose(1, 2).flatten(0, 1)
    if mask is not None and inputs.ndim == 3 and mask.shape == inputs.shape[:2]:
        return inputs[mask.bool()]
    return inputs.flatten(0, -2)


def _call(model: nn.Module, batch: Any) -> Any:
    if isinstance(batch, Mapping):
        return model(**batch)
    return model(*batch) if isinstance(batch, tuple | list) else model(batch)

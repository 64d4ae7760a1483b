"""An adapter out of two checkpoints: what a fine-tuning changed, cut to a rank.

    ΔW = W_tuned − W_base ≈ B·A        in fp32 (fp64 for what is stored so), weight by weight

Eckart and Young 1936, https://doi.org/10.1007/BF02288367: no factors of this rank are nearer.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import final

import torch
from torch import Tensor

from adapterhub.base.names import transposed
from adapterhub.compose.checkpoints.checkpoint import Checkpoint, embeds, open_checkpoint
from adapterhub.compose.checkpoints.difference import Pair, difference, pairs
from adapterhub.compose.checkpoints.tied import shares
from adapterhub.compose.lowrank import Limit, cut_matrix
from adapterhub.compose.rows import blocks, key_of
from adapterhub.errors import NotFound, Refused, WrongUsage
from adapterhub.lora.delta import Delta, Form

__all__ = ["Extracted", "Extraction", "extract"]

SUCH = "such as rank 16 or energy 0.9"


@final
@dataclass(frozen=True, eq=False)
class Extracted:
    """One weight: its change in fp32 factors, ‖ΔW‖ and ‖ΔW − B·A‖. `turned` where it is stored (in, out)."""

    delta: Delta
    wanted: float
    missed: float
    turned: bool = False

    @property
    def relative_error(self) -> float:
        """‖ΔW − B·A‖/‖ΔW‖."""
        return self.missed / self.wanted


@final
@dataclass(frozen=True)
class Extraction:
    """The weights that changed, by module, and the tensors that changed besides and why they are not among them."""

    modules: dict[str, Extracted] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def relative_error(self) -> float:
        """Over all modules together."""
        wanted = math.hypot(*(one.wanted for one in self.modules.values()))
        return math.hypot(*(one.missed for one in self.modules.values())) / wanted if wanted else 0.0


def extract(
    base: Path,
    tuned: Path,
    *,
    rank: int | None = None,
    energy: float | None = None,
    targets: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Extraction:
    """The change from one checkpoint to the other, in factors of this rank, or that keep this part of ‖ΔW‖².

    Modules are named as the base's files name them. targets: a pattern as a shell has it; other modules are left out.
    progress hears (bytes compared, bytes in all). Memory is a few times that of the largest weight. The same
    checkpoints give the same bytes.
    """
    limit = _limit(rank, energy)
    first, second = open_checkpoint(base), open_checkpoint(tuned)
    found = Extraction()
    both = list(pairs(first, second, found.left_out))
    if targets and not any(fnmatchcase(_module(pair.name), targets) for pair in both):
        raise NotFound(f"{targets!r} matches no module of {base}", hint="`*` stands for anything, dots too")
    done, total = 0, sum(pair.size for pair in both)
    with torch.inference_mode():
        for pair in both:
            _one(first, pair, targets, limit, found)
            done += pair.size
            if progress:
                progress(done, total)
    if not found.modules:
        raise Refused(f"no module differs between {base} and {tuned}{_rest(found.left_out)}", hint="swap or check them")
    return found


def _limit(rank: int | None, energy: float | None) -> Limit:
    limit = Limit(rank, energy)
    if limit.none:
        raise WrongUsage("a rank or an energy says how far the change is cut", hint=SUCH)
    if found := list(limit.faults()):
        raise WrongUsage("; ".join(found), hint=SUCH)
    return limit


def _rest(left_out: Mapping[str, str]) -> str:
    return "".join(f"; {name}: {why}" for name, why in list(left_out.items())[:5])


def _module(tensor: str) -> str:
    return tensor.removesuffix(".weight")


def _one(base: Checkpoint, pair: Pair, targets: str | None, limit: Limit, found: Extraction) -> None:
    """Compare one tensor and put what changed where it belongs."""
    why = "".join(_reasons(base, pair, targets)[:1])
    change = difference(pair, look=bool(why))
    if change is None:
        return
    if why:
        found.left_out[pair.name] = why
        return
    if not all(map(torch.isfinite, change.aminmax())):
        raise Refused(f"{pair.name} holds NaN or infinity in one of the two", hint="the checkpoint is broken")
    found.modules[_module(pair.name)] = _cut(change, _module(pair.name), base.model_type, limit)


def _reasons(base: Checkpoint, pair: Pair, targets: str | None) -> list[str]:
    """Why a change of this tensor cannot be a delta."""
    name, shape = pair.name, pair.base.shape
    reasons = []
    if len(shape) != 2 or not name.endswith(".weight"):
        reasons.append(f"it is no matrix of a module: {'×'.join(map(str, shape)) or 'one number'}")
    elif targets and not fnmatchcase(_module(name), targets):
        reasons.append(f"it does not match {targets!r}")
    elif shares(base, name):
        reasons.append("the output layer shares it, and an adapter would change the embedding alone")
    return reasons


def _cut(change: Tensor, module: str, model_type: str | None, limit: Limit) -> Extracted:
    embedding, turned = embeds(module), transposed(module, model_type)
    matrix = change.T if embedding or turned else change
    cut = cut_matrix(matrix, limit, key_of(module))
    A, B = cut.A.float().contiguous(), cut.B.float().contiguous()
    delta = Delta(A, B, form=Form("embedding" if embedding else "linear"))
    return Extracted(delta, math.sqrt(cut.wanted), math.sqrt(sum(_missed(matrix, delta))), turned)


def _missed(matrix: Tensor, delta: Delta) -> Iterator[float]:
    """‖ΔW − B·A‖² block by block, with the factors as they are written."""
    A = delta.A.to(matrix.dtype)
    for start, end in blocks(len(matrix)):
        rest = torch.addmm(matrix[start:end], delta.B[start:end].to(matrix.dtype), A, alpha=-1)
        yield float(torch.linalg.norm(rest.double())) ** 2

"""An adapter out of two checkpoints: what a fine-tuning changed, cut to a rank.

    ΔW = W_tuned − W_base ≈ B·A        in fp32 (fp64 for what is stored so), weight by weight

Eckart and Young 1936, https://doi.org/10.1007/BF02288367: no factors of this rank are nearer.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor

from adapterhub.compose.checkpoints.difference import Pair, difference
from adapterhub.compose.checkpoints.extract_plan import Place, plan_extract
from adapterhub.compose.lowrank import Limit, cut_matrix
from adapterhub.compose.rows import blocks, key_of
from adapterhub.errors import Refused
from adapterhub.lora.delta import Delta, Form

__all__ = ["Extracted", "Extraction", "extract"]


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
    same: Collection[str] = (),
    progress: Callable[[int, int], None] | None = None,
    **how: Any,
) -> Extraction:
    """The change from one checkpoint to the other, in factors of a rank, or that keep a part (energy) of ‖ΔW‖².

    how: rank or energy; targets, a pattern as a shell has it: other modules are left out. same: tensors that are known
    to be equal, as the base calls them, and are not read. Modules are named as the base's files name them. progress
    hears (bytes compared, bytes in all). Memory is a few times that of the largest weight. The same checkpoints give
    the same bytes.
    """
    plan = plan_extract(base, tuned, **how)
    found = Extraction(left_out=dict(plan.alone))
    work: list[tuple[Pair, Place | str]] = [(place.pair, place) for place in plan.places]
    work = sorted([*work, *plan.others.items()], key=lambda one: one[0].name)
    done, total = 0, sum(pair.size for pair in plan.pairs)
    with torch.inference_mode():
        for pair, what in work:
            if pair.name not in same:
                _one(pair, what, plan.limit, found)
            done += pair.size
            if progress:
                progress(done, total)
    if not found.modules:
        raise Refused(
            f"no module differs between {base} and {tuned}{_rest(found.left_out)}",
            hint="is the second folder the fine-tuned one, and the first what it was trained from?",
        )
    return found


def _rest(left_out: Mapping[str, str]) -> str:
    return "".join(f"; {name}: {why}" for name, why in list(left_out.items())[:5])


def _one(pair: Pair, what: Place | str, limit: Limit, found: Extraction) -> None:
    """Compare one tensor and put what changed where it belongs. what: its place, or why it has none."""
    change = difference(pair, look=isinstance(what, str))
    if change is None:
        return
    if isinstance(what, str):
        found.left_out[pair.name] = what
        return
    if not all(map(torch.isfinite, change.aminmax())):
        raise Refused(f"{pair.name} holds NaN or infinity in one of the two", hint="the checkpoint is broken")
    found.modules[what.module] = _cut(change, what, limit)


def _cut(change: Tensor, place: Place, limit: Limit) -> Extracted:
    matrix = change.T if place.embedding or place.turned else change
    cut = cut_matrix(matrix, limit, key_of(place.module))
    A, B = cut.A.float().contiguous(), cut.B.float().contiguous()
    delta = Delta(A, B, form=Form("embedding" if place.embedding else "linear"))
    return Extracted(delta, math.sqrt(cut.wanted), math.sqrt(sum(_missed(matrix, delta))), place.turned)


def _missed(matrix: Tensor, delta: Delta) -> Iterator[float]:
    """‖ΔW − B·A‖² block by block, with the factors as they are written."""
    A = delta.A.to(matrix.dtype)
    for start, end in blocks(len(matrix)):
        rest = torch.addmm(matrix[start:end], delta.B[start:end].to(matrix.dtype), A, alpha=-1)
        yield float(torch.linalg.norm(rest.double())) ** 2

"""Two checkpoints tensor by tensor: which belong together, and what is not the same."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

import torch
from torch import Tensor

from adapterhub.base.names import match
from adapterhub.compose.checkpoints.checkpoint import Checkpoint
from adapterhub.errors import Corrupt, DoesNotFit
from adapterhub.formats.header import TensorInfo
from adapterhub.lora.values import DTYPES

__all__ = ["Pair", "difference", "numbers", "pairs"]

CHUNK = 4 << 20
"""Numbers compared at a time."""


@final
@dataclass(frozen=True)
class Pair:
    """A tensor of the base and the same of the other checkpoint."""

    base: TensorInfo
    tuned: TensorInfo
    base_file: Path
    tuned_file: Path

    @property
    def name(self) -> str:
        """As the base has it."""
        return self.base.name

    @property
    def size(self) -> int:
        """Bytes, in the base."""
        return self.base.end - self.base.start

    @property
    def wide(self) -> torch.dtype:
        """The type to compute in."""
        both = torch.promote_types(DTYPES[self.base.dtype], DTYPES[self.tuned.dtype])
        return torch.promote_types(both, torch.float32)


def pairs(base: Checkpoint, tuned: Checkpoint, left_out: dict[str, str]) -> Iterator[Pair]:
    """What both have in one shape, in the order of the base's names; the rest goes to `left_out`, with the reason."""
    naming = match(base.places, tuned.places, base.model_type or tuned.model_type)
    if not naming.targets:
        raise DoesNotFit(
            f"{tuned.folder} has no tensor of {base.folder}", hint="both must be checkpoints of one architecture"
        )
    left_out |= dict.fromkeys(naming.missing, "it is in the base alone")
    left_out |= dict.fromkeys(sorted(set(tuned.places) - set(naming.targets.values())), "it is not in the base")
    for name, other in sorted(naming.targets.items()):
        (file, one), (other_file, two) = base.places[name], tuned.places[other]
        if one.shape != two.shape:
            left_out[name] = f"it is {list(one.shape)} in the base and {list(two.shape)} in the other"
        elif one.dtype not in DTYPES or two.dtype not in DTYPES:
            left_out[name] = f"it is {one.dtype} in the base and {two.dtype} in the other"
        else:
            yield Pair(one, two, base.folder / file, tuned.folder / other_file)


def difference(pair: Pair, *, look: bool = False) -> Tensor | None:
    """W_tuned − W_base in its stored shape, or None where both are the same; with `look` only whether they are."""
    count, change = math.prod(pair.base.shape), None
    with pair.base_file.open("rb") as one, pair.tuned_file.open("rb") as two:
        for start in range(0, count, CHUNK):
            end = min(count, start + CHUNK)
            a, b = numbers(one, pair.base, start, end), numbers(two, pair.tuned, start, end)
            if _same(pair, a, b):
                continue
            if look:
                return torch.empty(0)
            if change is None:
                change = torch.zeros(count, dtype=pair.wide)
            change[start:end] = b.to(pair.wide) - a.to(pair.wide)
    return None if change is None else change.view(pair.base.shape)


def _same(pair: Pair, one: Tensor, other: Tensor) -> bool:
    if one.dtype == other.dtype:
        return torch.equal(one.view(torch.uint8), other.view(torch.uint8))
    return torch.equal(one.to(pair.wide), other.to(pair.wide))


def numbers(stream: BinaryIO, info: TensorInfo, start: int, end: int) -> Tensor:
    """Some numbers of a tensor, counted in the order they are stored."""
    dtype = DTYPES[info.dtype]
    stream.seek(info.start + start * dtype.itemsize)
    data = bytearray((end - start) * dtype.itemsize)
    if stream.readinto(data) != len(data):  # type: ignore[attr-defined]
        raise Corrupt(f"{info.name}: the file ends inside it", hint="it was changed while it was read")
    return torch.frombuffer(data, dtype=dtype)

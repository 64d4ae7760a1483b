"""How large the weights of a base are, ‖W‖, read in blocks and without torch: only of those that are asked for."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from adapterhub.base.distance import blocks
from adapterhub.base.hashing import threads
from adapterhub.base.places import Places
from adapterhub.base.values import READABLE
from adapterhub.base.weights import Weight
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members

__all__ = ["Stretch", "matrices", "norms"]

ROWS = "rows "
"""How the `part` of a weight begins that is an equal share of a tensor's rows."""


@final
@dataclass(frozen=True)
class Stretch:
    """Values of a tensor that lie one after the other; `file` is where the tensor lies."""

    file: str
    info: TensorInfo
    first: int
    count: int


Located = tuple[str, TensorInfo]
Matrix = tuple[Stretch, ...]
"""All the values of a matrix, in whatever order."""


def matrices(weight: Weight, places: Places) -> list[Matrix]:
    """The matrices of a weight: one, or one for each expert; none where it is quantised or cut in another way."""
    there = [places.tensors[name] for name in weight.tensors if name in places.tensors]
    plain = not weight.storage and all(info.dtype in READABLE for _, info in there)
    if not plain or weight.shape is None or len(there) < len(weight.tensors):
        return []
    whole, (first, *_) = [_part(place, 0, place[1].parameters) for place in there], there
    if weight.part:
        return [(_share(first, weight.part, weight.shape),)] if weight.part.startswith(ROWS) else []
    count = weight.shape[0]
    if len(weight.shape) != 3 or "experts" not in weight.tensors[0] or not count:
        return [tuple(whole)]
    if len(first[1].shape) < 3:  # each expert has tensors of its own
        return [tuple(whole[number::count]) for number in range(count)]
    return [tuple(_part(place, e * size, size) for place, size in _sizes(there, count)) for e in range(count)]


def norms(members: Members, wanted: Iterable[Matrix]) -> dict[Matrix, float]:
    """‖W‖ of each matrix, in double precision; NaN or infinity where a value is."""
    from concurrent.futures import ThreadPoolExecutor

    once = sorted(set(wanted), key=lambda matrix: -sum(part.count for part in matrix))
    with ThreadPoolExecutor(threads(), "norm") as pool:
        return dict(zip(once, pool.map(lambda matrix: _norm(members, matrix), once), strict=True))


def _part(place: Located, first: int, count: int) -> Stretch:
    return Stretch(*place, first, count)


def _sizes(places: Iterable[Located], count: int) -> list[tuple[Located, int]]:
    """How many values of each tensor belong to one expert."""
    return [(place, place[1].parameters // count) for place in places]


def _share(place: Located, part: str, shape: tuple[int, ...]) -> Stretch:
    size = math.prod(shape)
    return _part(place, int(part.removeprefix(ROWS)) * size, size)


def _norm(members: Members, matrix: Matrix) -> float:
    import numpy as np

    squares = 0.0
    with np.errstate(all="ignore"):
        for part in matrix:
            with members.open(part.file) as stream:
                values = blocks(stream, (members, part.file, part.info), part.first, part.count)
                squares += sum(float(block @ block) for block in values)
    return math.sqrt(squares)

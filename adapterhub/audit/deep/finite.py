"""Values that are no numbers, tensor by tensor: so much can be told of any adapter, whatever its tensors mean."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from adapterhub.audit.deep.values import Broken
from adapterhub.base.fold import sentence
from adapterhub.base.values import READABLE, numbers
from adapterhub.formats.header import BITS, TensorInfo
from adapterhub.formats.peft_keys import PREFIX

__all__ = ["broken", "untold"]

BLOCK = 1 << 20
"""Values looked at in one go."""

FLOATS = ("F", "BF", "C")
"""How the types begin that know NaN."""


def broken(data: memoryview, tensors: Iterable[TensorInfo]) -> Iterator[Broken]:
    """The tensors of a file that hold NaN or infinity."""
    for info in tensors:
        if info.dtype.startswith(FLOATS) and info.dtype in READABLE:
            nan, infinite = _count(memoryview(data)[info.start : info.end], info.dtype)
            if nan or infinite:
                name = info.name.removeprefix(PREFIX)
                yield Broken(tensor=name, nan=nan, infinite=infinite, count=info.parameters)


def untold(tensors: Iterable[TensorInfo]) -> Iterator[str]:
    """What cannot be looked at so, in words: types whose values nothing here can tell."""
    rest = [info for info in tensors if info.dtype.startswith(FLOATS) and info.dtype not in READABLE]
    for dtype, some in groupby(sorted(rest, key=lambda info: info.dtype), key=lambda info: info.dtype):
        yield f"values of the type {dtype} at {sentence(info.name.removeprefix(PREFIX) for info in some)}"


def _count(data: memoryview, dtype: str) -> tuple[int, int]:
    import numpy as np

    step, nan, infinite = BLOCK * BITS[dtype] // 8, 0, 0
    for start in range(0, len(data), step):
        values = numbers(data[start : start + step], dtype)
        if not np.isfinite(values).all():
            nan += int(np.isnan(values).sum())
            infinite += int(np.isinf(values).sum())
    return nan, infinite

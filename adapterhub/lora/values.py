"""The values of tensors: views of the bytes that were read, or none at all on the device meta."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from adapterhub.formats.header import TensorInfo

__all__ = ["DTYPES", "FLOATS", "Get", "Values", "meta", "view"]

FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
"""What factors may be."""

DTYPES = FLOATS | {
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""What whole tensors may be: a trained module has its counters and masks beside its weights."""

Get = Callable[[TensorInfo], Tensor]
"""How a reader gets the values of a tensor it found in the header."""

Values = Callable[[str, TensorInfo], Tensor]
"""The same, of any file by its name."""


def view(data: memoryview, info: TensorInfo) -> Tensor:
    """A tensor that shares the memory of a file's bytes."""
    dtype, start = DTYPES[info.dtype], info.start
    if not info.parameters:
        return torch.empty(info.shape, dtype=dtype)
    if start % dtype.itemsize:  # a header of odd length; unaligned memory is slow, and undefined for some kernels
        data, start = memoryview(bytearray(data[info.start : info.end])), 0
    flat = torch.frombuffer(data, dtype=dtype, count=math.prod(info.shape), offset=start)
    return flat.view(info.shape)


def meta(_file: str, info: TensorInfo) -> Tensor:
    """A tensor with a shape and a type and nothing in it."""
    return torch.empty(info.shape, dtype=DTYPES[info.dtype], device="meta")

"""From an entry to its weight changes: {module: Delta}, the modules without PEFT's prefix."""

import math

import torch
from torch import Tensor

from adapterhub.entry import Entry
from adapterhub.formats.header import TensorInfo
from adapterhub.lora.delta import Delta
from adapterhub.lora.plain import plain_parts
from adapterhub.lora.verified import VerifiedMembers

__all__ = ["load"]

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def load(entry: Entry, name: str = "") -> dict[str, Delta]:
    """The deltas of an adapter of plain LoRA, in the order of its header; `name` stands in errors.

    Every file is read once and its digest verified before a byte is used; tensors share that memory. Whatever is not
    plain LoRA on 2-D weights is `Refused` with the reason.
    """
    name = name or f"sha256:{entry.digest.short}"
    members = VerifiedMembers(entry, name)
    parts = plain_parts(members, entry.manifest.kind, name)
    data = members.data(parts.weights)
    deltas = {}
    for module, roles in parts.modules.items():
        A, B = _tensor(data, roles["A"]), _tensor(data, roles["B"])
        deltas[module] = Delta(A, B, parts.config.scaling(module, A.shape[0]))
    return deltas


def _tensor(data: bytearray, info: TensorInfo) -> Tensor:
    dtype = DTYPES[info.dtype]
    start = info.start
    if start % dtype.itemsize:  # a header of odd length; unaligned memory is slow, and undefined for some kernels
        data, start = data[info.start : info.end], 0
    flat = torch.frombuffer(data, dtype=dtype, count=math.prod(info.shape), offset=start)
    return flat.view(info.shape)

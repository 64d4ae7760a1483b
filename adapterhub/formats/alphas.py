"""Alphas that are tensors: a scalar beside each module's factors, read with a few bytes of each."""

import math
import struct
from collections import Counter
from collections.abc import Mapping
from typing import BinaryIO

from adapterhub.errors import Corrupt
from adapterhub.finding import Finding
from adapterhub.formats.factors import Modules
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members

__all__ = ["decode", "read", "settle"]

FORMS = {"F64": "<d", "F32": "<f", "F16": "<e", "I64": "<q", "I32": "<i", "I16": "<h", "I8": "<b", "U8": "<B"}


def decode(data: bytes, dtype: str) -> float:
    """The number in a few bytes.

    >>> decode(b"\\x80\\x3f", "BF16"), decode(b"\\x00\\x44", "F16")
    (1.0, 4.0)
    """
    if dtype == "BF16":  # the upper half of a float32
        data, dtype = b"\0\0" + data, "F32"
    return float(struct.unpack(FORMS[dtype], data)[0])


def read(members: Members, name: str, modules: Modules) -> dict[str, float]:
    """The alpha of every module that has one. `Corrupt` if one is no number."""
    with members.open(name) as stream:
        return {module: _one(stream, parts["alpha"], name) for module, parts in modules.items() if "alpha" in parts}


def settle(alphas: Mapping[str, float], what: str) -> tuple[float | None, dict[str, int], list[Finding]]:
    """The alpha most modules have; how many have which, where they differ; a finding for those that are not finite."""
    known = Counter(alpha for alpha in alphas.values() if math.isfinite(alpha))
    alpha = min(known, key=lambda value: (-known[value], value), default=None)
    bad = [module for module, value in alphas.items() if not math.isfinite(value)]
    findings = [
        Finding(
            check="bad-alpha",
            severity="error",
            place=what,
            message=f"{len(bad)} modules have an alpha that is no finite number, the first is {module[:200]}",
            remedy="the adapter cannot be scaled; train it again or set the alpha",
        )
        for module in bad[:1]
    ]
    several = {f"{value:g}": known[value] for value in sorted(known)} if len(known) > 1 else {}
    return alpha, several, findings


def _one(stream: BinaryIO, tensor: TensorInfo, what: str) -> float:
    if tensor.parameters != 1 or (tensor.dtype not in FORMS and tensor.dtype != "BF16"):
        raise Corrupt(
            f"{what}: {tensor.name!r} is one number, got {tensor.dtype} {list(tensor.shape)}",
            hint="the file was cut or written wrongly: save or download it again",
        )
    stream.seek(tensor.start)
    return decode(stream.read(tensor.end - tensor.start), tensor.dtype)

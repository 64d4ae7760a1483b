"""Adapters that change nothing: a factor that is all zero makes the whole product zero."""

from collections.abc import Iterable, Mapping
from typing import BinaryIO

from adapterhub.finding import Finding
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.zeros import all_zero

__all__ = ["findings"]


def findings(stream: BinaryIO, factors: Mapping[str, Iterable[TensorInfo]], what: str) -> list[Finding]:
    """A finding if modules change nothing, a warning if all do. `factors` are those multiplied in each module."""
    zero = [module for module, tensors in factors.items() if any(_is_zero(stream, tensor) for tensor in tensors)]
    if not zero:
        return []
    if len(zero) == len(factors):
        message = f"every module of {len(zero)} has a factor of zeros only: the adapter changes nothing"
        remedy = "it was saved before it was trained: save it again after the training"
        return [Finding(check="untrained", severity="warning", place=what, message=message, remedy=remedy)]
    message = f"{len(zero)} of {len(factors)} modules have a factor of zeros only: {', '.join(zero[:3])}"
    return [Finding(check="partly-untrained", severity="info", place=what, message=message)]


def _is_zero(stream: BinaryIO, tensor: TensorInfo) -> bool:
    return tensor.end > tensor.start and all_zero(stream, tensor.start, tensor.end)

"""The change of an expert finds its tensors where a checkpoint holds its experts otherwise than the adapter names them.

    experts.gate_up_proj[3]  ->  experts.3.gate_proj.weight, experts.3.up_proj.weight: half of the rows of B each
    experts.3.up_proj        ->  matrix 3 of experts.gate_up_proj (E, 2·out, in): the other rows of B are zeros

Which tensors those are `base.slices` says; factors stay factors.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, final

import torch

from adapterhub.base.slices import LEAVES, ONE
from adapterhub.base.weights import Weight
from adapterhub.compose.checkpoints.targets import One, size_of
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.peft_experts import EXPERT
from adapterhub.lora.delta import LINEAR, Delta

__all__ = ["Piece", "pieces", "split"]


@final
class Piece(NamedTuple):
    """The change of a stored matrix, (out, in) as it lies: the tensor, the matrix's number in it."""

    info: TensorInfo
    slot: int
    delta: Delta


def split(name: str) -> tuple[str, int | None]:
    """The module, or the parameter and the number of an expert in it.

    >>> split("layers.0.experts.down_proj[3]"), split("layers.0.q_proj")
    (('layers.0.experts.down_proj', 3), ('layers.0.q_proj', None))
    """
    match = EXPERT.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def pieces(one: One, name: str, weight: Weight, delta: Delta) -> list[Piece]:
    """What a change of an expert is in the tensors of `weight`; none and a fault where it does not fit."""
    infos = [one.plain(tensor) for tensor in weight.tensors]
    there = [info for info in infos if info is not None]
    if len(there) < len(infos):
        return []
    number = split(name)[1]
    made = _of_stack(one, name, weight, there[0], delta) if number is None else _apart(weight, there, delta, number)
    if isinstance(made, str):
        one.fault(f"{one.naming.rewrite(name)} {made}")
        return []
    return made


def _apart(weight: Weight, infos: list[TensorInfo], delta: Delta, number: int) -> list[Piece] | str:
    """One matrix of a parameter that lies in several tensors, one below the other."""
    count, *shape = weight.shape or ()
    out, into = delta.shape
    if number >= count or sorted(shape) != sorted((out, into)):
        return f"is {count} of {'×'.join(map(str, shape))} in this base, the adapter changes {out}×{into}"
    stacked = len(infos[0].shape) == 3
    if out == into or (stacked and infos[0].shape[1] == infos[0].shape[2]):
        return (
            f"is {'×'.join(map(str, shape))}: whether that is (out, in) or (in, out) cannot be told from a square, and "
            "versions of peft differ"
        )
    if delta.shape != tuple(shape):
        delta = replace(delta, A=delta.B.T, B=delta.A.T)
    mine = infos if stacked else infos[number::count]
    return list(_rows(mine, number if stacked else 0, delta))


def _rows(infos: list[TensorInfo], slot: int, delta: Delta) -> Iterator[Piece]:
    first = 0
    for info in infos:
        last = first + info.shape[-2]
        yield Piece(info, slot, replace(delta, B=delta.B[first:last]))
        first = last


def _of_stack(one: One, name: str, weight: Weight, info: TensorInfo, delta: Delta) -> list[Piece] | str:
    """An expert's own matrix, which is some rows of a matrix in a stack."""
    found = ONE.fullmatch(one.naming.rewrite(name))
    delta = delta.within(weight.shape, LINEAR) if weight.shape and len(weight.shape) == 2 else delta
    out, into = delta.shape
    if found is None or weight.shape != delta.shape:
        return f"is {weight.part} of {info.name}, {size_of(info)}; the adapter changes {out}×{into}"
    rows = info.shape[1]
    if info.shape[2] != into or rows == into:
        return f"is {weight.part} of {info.name}, {size_of(info)}: it does not lie (out, in), or nobody can tell"
    first = rows - out if LEAVES.get(found["leaf"], found["leaf"]) == "up_proj" else 0
    B = torch.zeros(rows, delta.rank, dtype=delta.B.dtype, device=delta.B.device)
    B[first : first + out] = delta.B
    return [Piece(info, int(found["number"]), replace(delta, B=B))]

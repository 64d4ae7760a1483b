"""How quantised weights lie in a checkpoint, one row a way, and the shape of the weight that is in them.

    kind                  tensors of a module (shapes)                                    the weight is (out, in)
    gptq                  qweight (in·b/32, out), scales (groups, out), qzeros (groups, out·b/32)
    awq                   qweight (in, out·b/32), scales (groups, out), qzeros
    bnb-4bit              weight (n, 1) of two numbers a byte, weight.absmax, …           only 2n is said
    bnb-8bit              weight (out, in), SCB
    compressed-tensors    weight_packed (out, in·b/32), or (out, in/2) of bytes
    nvfp4                 weight (out, in/2) of two numbers a byte, weight_scale_2
    fp8, int8             weight (out, in), weight_scale or weight_scale_inv
    torchao-int8          _weight_qdata (out, in), _weight_scale
    eetq                  weight (in, out), weight_scales
    hqq, aqlm             W_q; codes                                                      not said
    mxfp4                 a parameter X of experts as X_blocks (E, out, in/32, 16) and X_scales

b is the bits of a number. Source: what the quantizers of transformers 5.23 save, and the tools they call.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from adapterhub.base.row import TensorRow

    Leaves = Mapping[str, TensorRow]

__all__ = ["STORAGES", "Storage", "bits_of", "count_of", "storage_of"]

Shape = tuple[int, ...]


@final
@dataclass(frozen=True)
class Storage:
    """A row: the tensors a module must have, how the type of the first begins, and when that is still not enough.

    `shape` gets the tensors by leaf and the config's bits; it is None where the headers do not say.
    """

    marks: tuple[str, ...]
    shape: "Callable[[Leaves, int | None], Shape | None]"
    dtype: str = ""
    when: "Callable[[Leaves], bool]" = lambda leaves: True


def _gptq(leaves: "Leaves", bits: int | None) -> Shape | None:
    out = leaves["scales"].shape[-1]
    bits = 32 * leaves["qzeros"].shape[-1] // out
    return (out, leaves["qweight"].shape[0] * 32 // bits) if bits else None


def _awq(leaves: "Leaves", bits: int | None) -> Shape | None:
    return leaves["scales"].shape[-1], leaves["qweight"].shape[0]


def _packed(leaves: "Leaves", bits: int | None) -> Shape | None:
    *head, last = leaves["weight_packed"].shape
    if leaves["weight_packed"].dtype == "U8":
        return (*head, last * 2)
    return (*head, last * 32 // bits) if bits else None


def _halved(leaves: "Leaves", bits: int | None) -> Shape | None:
    *head, last = leaves["weight"].shape
    return (*head, last * 2)


def _plain(leaves: "Leaves", bits: int | None) -> Shape | None:
    return leaves["weight"].shape


def _turned(leaves: "Leaves", bits: int | None) -> Shape | None:
    return leaves["weight"].shape[::-1]


def _coded(leaves: "Leaves", bits: int | None) -> Shape | None:
    return leaves["_weight_qdata"].shape


def _unknown(leaves: "Leaves", bits: int | None) -> Shape | None:
    return None


def _matrices(leaves: "Leaves") -> bool:
    return all(len(leaves[leaf].shape) == 2 for leaf in ("qweight", "qzeros", "scales"))


def _out_last(leaves: "Leaves") -> bool:
    return _matrices(leaves) and leaves["qweight"].shape[-1] == leaves["scales"].shape[-1] > 0


def _has_rows(leaf: str) -> "Callable[[Leaves], bool]":
    return lambda leaves: len(leaves[leaf].shape) > 1


STORAGES = {
    "gptq": Storage(("qweight", "qzeros", "scales"), _gptq, when=_out_last),
    "awq": Storage(("qweight", "qzeros", "scales"), _awq, when=_matrices),
    "bnb-4bit": Storage(("weight", "weight.absmax"), _unknown, "U8"),
    "bnb-8bit": Storage(("weight", "SCB"), _plain, "I8"),
    "compressed-tensors": Storage(("weight_packed", "weight_scale"), _packed, when=_has_rows("weight_packed")),
    "nvfp4": Storage(("weight", "weight_scale_2"), _halved, "U8", when=_has_rows("weight")),
    "fp8": Storage(("weight",), _plain, "F8_"),
    "int8": Storage(("weight", "weight_scale"), _plain, "I8"),
    "torchao-int8": Storage(("_weight_qdata", "_weight_scale"), _coded, "I8"),
    "eetq": Storage(("weight", "weight_scales"), _turned, "I8"),
    "hqq": Storage(("W_q",), _unknown),
    "aqlm": Storage(("codes", "codebooks"), _unknown),
}
"""Read from the top: the first row that fits is the way."""


PLAIN = frozenset({"weight", "bias"})
"""What most modules have; of a lone weight only the type says that it is quantised."""


def storage_of(leaves: "Leaves", bits: int | None) -> tuple[str, Shape | None] | None:
    """How a module's weight is quantised, and its shape; None where it is not."""
    if leaves.keys() <= PLAIN and not any(leaves[leaf].dtype.startswith(STORAGES["fp8"].dtype) for leaf in leaves):
        return None
    for kind, row in STORAGES.items():
        there = all(mark in leaves for mark in row.marks)
        if there and leaves[row.marks[0]].dtype.startswith(row.dtype) and row.when(leaves):
            return kind, row.shape(leaves, bits)
    return None


def count_of(kind: str, leaves: "Leaves") -> int | None:
    """How many numbers a weight has, where its shape is not said."""
    return 2 * prod(leaves["weight"].shape) if kind == "bnb-4bit" else None


def bits_of(config: Mapping[str, Any]) -> int | None:
    """The bits of a number by the config's quantisation: the first that is named.

    >>> bits_of({"quantization_config": {"config_groups": {"group_0": {"weights": {"num_bits": 4}}}}})
    4
    """
    return next(_bits(config.get("quantization_config") or config.get("compression_config")), None)


def _bits(value: object) -> Iterator[int]:
    if isinstance(value, Mapping):
        for key in ("bits", "num_bits"):
            if type(value.get(key)) is int and value[key] > 0:
                yield value[key]
        for inner in value.values():
            yield from _bits(inner)

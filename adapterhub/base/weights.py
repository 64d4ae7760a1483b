"""The weights of a base as an adapter sees them: by module, (out, in), whatever way they are stored.

Names are those of the checkpoint; those of a GGUF are brought to those of transformers first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from adapterhub.base.gguf import ARCHITECTURE
from adapterhub.base.naming.conv1d import transposed
from adapterhub.base.naming.gguf_names import transformers_names
from adapterhub.base.storage import bits_of, count_of, storage_of

if TYPE_CHECKING:
    from adapterhub.base.row import TensorRow

    Leaves = dict[str, TensorRow]

__all__ = ["Weight", "named", "weights_of"]

PLAIN = frozenset({"BF16", "F16", "F32", "F64"})
LEGACY = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
"""Parameters that checkpoints from before PyTorch still have; transformers 5.23 reads them so."""


@final
@dataclass(frozen=True, slots=True)
class Weight:
    """A weight with its shape as (out, in, …), or None where the headers do not say it, and perhaps its `count`.

    `tensors` are all it is read from; `part` says which part of them it is, empty for the whole. `storage` is how it is
    quantised, `rule` how it was found where it has no tensor of its own name.
    """

    shape: tuple[int, ...] | None
    tensors: tuple[str, ...]
    storage: str = ""
    part: str = ""
    rule: str = ""
    count: int | None = None


def named(rows: "Iterable[TensorRow]", config: Mapping[str, Any]) -> "dict[str, TensorRow]":
    """The tensors by the names that transformers has for them."""
    if ARCHITECTURE in config:
        rename = transformers_names(str(config[ARCHITECTURE]))
        return {rename(row.name): row for row in rows}
    return {_modern(row.name): row for row in rows}


def weights_of(rows: "Mapping[str, TensorRow]", model_type: str | None, config: Mapping[str, Any]) -> dict[str, Weight]:
    """Every module that has a weight, and every parameter that holds one for each expert."""
    modules: dict[str, Leaves] = {}
    for name, row in rows.items():
        module, leaf = _split(name)
        modules.setdefault(module, {})[leaf] = row
    gguf, bits = ARCHITECTURE in config, bits_of(config)
    found: dict[str, Weight] = {}
    for module, leaves in modules.items():
        if (stored := storage_of(leaves, bits)) is not None:
            kind, shape = stored
            tensors = tuple(row.name for row in leaves.values())
            found[module] = Weight(shape, tensors, kind, count=count_of(kind, leaves))
        elif (plain := leaves.get("weight")) is not None:
            turned = not gguf and len(plain.shape) == 2 and transposed(module, model_type)
            shape = plain.shape[::-1] if turned else plain.shape
            found[module] = Weight(shape, (plain.name,), "" if not gguf or plain.dtype in PLAIN else plain.dtype)
        else:
            found |= {f"{module}.{leaf}": weight for leaf, weight in _parameters(leaves)}
    return found


def _parameters(leaves: "Leaves") -> Iterable[tuple[str, Weight]]:
    """Parameters without a module of their own, as experts have them."""
    for leaf, row in leaves.items():
        blocks = leaf.removesuffix("_blocks")
        scales = leaves.get(f"{blocks}_scales")
        if blocks != leaf and scales is not None and len(row.shape) == 4:
            count, out, groups, size = row.shape
            yield blocks, Weight((count, out, groups * size * 2), (row.name, scales.name), "mxfp4")
        elif len(row.shape) == 3 and "experts" in row.name and not leaf.endswith(("_scales", "_scale_inv", "_scale")):
            yield leaf, Weight(row.shape, (row.name,), "fp8" if row.dtype.startswith("F8_") else "")


def _split(name: str) -> tuple[str, str]:
    """The module and what it calls the tensor; bitsandbytes puts `weight.` before its own.

    >>> _split("h.0.q.weight"), _split("h.0.q.weight.quant_state.bitsandbytes__nf4")
    (('h.0.q', 'weight'), ('h.0.q', 'weight.quant_state.bitsandbytes__nf4'))
    """
    module, inside, leaf = name.partition(".weight.")
    if inside:
        return module, f"weight.{leaf}"
    module, _, leaf = name.rpartition(".")
    return module, leaf


def _modern(name: str) -> str:
    for old, new in LEGACY.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name

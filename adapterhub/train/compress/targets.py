"""Which weights are pruned and quantised: matrices and kernels, but no embeddings, no norms, no biases, no head."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from adapterhub.errors import NotFound

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["FLOATS", "Row", "chosen", "live"]

FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
"""The types a weight that can be pruned is stored in."""

EMBEDDING = re.compile(r"(.*_)?embed(dings?|_tokens|_positions|_in)?|wte|wpe|shared|relative_attention_bias")
HEAD = re.compile(r"(lm_)?heads?|embed_out|cls|classifier|score|qa_outputs|vocab_projector|output_projection")
"""Parts of a path: a module that is called so, and all it holds, stays as it is."""

KINDS = frozenset({"Linear", "Conv1D", "Conv1d", "Conv2d", "Conv3d"})
"""Classes of live modules, those of transformers too."""


class Row(Protocol):
    """What a header says of a tensor."""

    @property
    def dtype(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...


def chosen(rows: Mapping[str, Row], keep: Iterable[str] = ()) -> tuple[str, ...]:
    """The tensors of a checkpoint that are compressed, sorted; patterns in `keep` name modules that stay as they are.

    Experts that lie in one parameter count too. `NotFound` where nothing is left.
    """
    keep = tuple(keep)
    found = tuple(name for name in sorted(rows) if _is_weight(name, rows[name]) and not _stays(name, keep))
    return _some(found, rows, keep)


def live(model: "nn.Module", keep: Iterable[str] = ()) -> "dict[str, Tensor]":
    """The same of a model in memory: weights of linear layers and convolutions, by the names of a state dict."""
    keep, output = tuple(keep), getattr(model, "get_output_embeddings", lambda: None)()
    layers = {
        f"{path}.weight": module.weight
        for path, module in model.named_modules()
        if type(module).__name__ in KINDS and module is not output
    }
    found = [name for name in sorted(layers) if not _stays(name, keep)]
    return {name: layers[name] for name in _some(tuple(found), layers, keep)}


def _is_weight(name: str, row: Row) -> bool:
    matrix = name.endswith(".weight") or (len(row.shape) == 3 and ".experts." in name)
    return matrix and len(row.shape) >= 2 and row.dtype in FLOATS


def _stays(name: str, keep: tuple[str, ...]) -> bool:
    module = name.removesuffix(".weight")
    named = any(EMBEDDING.fullmatch(part) or HEAD.fullmatch(part) for part in module.split("."))
    return named or any(fnmatchcase(module, pattern) for pattern in keep)


def _some(found: tuple[str, ...], names: Iterable[str], keep: tuple[str, ...]) -> tuple[str, ...]:
    if found:
        return found
    there = ", ".join(sorted(names)[:5]) or "nothing"
    kept = f", and {', '.join(keep)} are kept" if keep else ""
    raise NotFound(
        f"no weight to compress: of {there} … all are embeddings, heads, norms or biases{kept}",
        hint="layers are known by their names; those of linear layers and convolutions that are no head count",
    )

"""What PEFT saves beside the factors: biases, trained tokens, and whole tensors of `modules_to_save`.

    <module>.base_layer.bias, <module>.bias                        the base's bias
    <module>[.token_adapter].trainable_tokens_delta (n, dim)       rows of an embedding; their numbers are in the config
    <module>.weight, <module>.<anything else>                      a whole tensor

A bias whose weight is saved too belongs to a module that was saved whole. `original_module` is the base's own copy,
which PEFT never uses again.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from torch import Tensor

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.peft_keys import PREFIX
from adapterhub.formats.peft_parts import Parts
from adapterhub.formats.peft_tuners import is_tuned
from adapterhub.lora.adapter import Adapter, Rows
from adapterhub.lora.values import Get

__all__ = ["bare", "beside", "read"]

WRAPPERS = ("base_layer", "modules_to_save", "ln_tuning_layers", "token_adapter")
"""Names of PEFT's own modules that can stand inside the path of a parameter."""

ORIGINAL = "original_module"
COPY = re.compile(r"\.modules_to_save\.[^.]+\.(?=.)")
"""What makes a second name of a bias that is saved already: with `bias: all` PEFT saves those of its wrappers too."""

TOKENS = re.compile(r"(.+?)(?:\.token_adapter)?\.trainable_tokens_(delta|original)")


def read(parts: Parts, get: Get, name: str) -> Adapter:
    """An adapter that is nothing but tensors which stand in place of the base's."""
    adapter = beside(Adapter(), parts, parts.header.tensors.values(), get, f"{name}: {parts.weights}")
    if not (adapter.biases or adapter.rows or adapter.tensors):
        raise Corrupt(
            f"{name}: {parts.weights}: no tensor stands in place of one of the base's", hint="save the adapter again"
        )
    return adapter


def beside(adapter: Adapter, parts: Parts, others: Iterable[TensorInfo], get: Get, place: str) -> Adapter:
    """The adapter with all tensors that are no factors, sorted by what they stand in place of."""
    rows: dict[str, Rows] = {}
    whole: dict[str, TensorInfo] = {}
    paths = {_path(info, place): info for info in others}
    for path, info in paths.items():
        if match := TOKENS.fullmatch(path):
            if match[2] == "delta":
                rows[match[1]] = _rows(parts, match[1], get(info), place)
        elif f".{ORIGINAL}." not in path and not (COPY.search(path) and COPY.sub(".", path) in paths):
            plain = bare(path)
            whole[plain] = info if plain == path else whole.get(plain, info)
    biases: dict[str, Tensor] = {}
    tensors: dict[str, Tensor] = {}
    for path, info in whole.items():
        module = path.removesuffix(".bias")
        if module != path and f"{module}.weight" not in whole:
            biases[module] = get(info)
        else:
            tensors[path] = get(info)
    return replace(adapter, biases=biases, rows=rows, tensors=tensors)


def _path(info: TensorInfo, place: str) -> str:
    """A tensor's name in the base; `Refused` where that is none."""
    if is_tuned(info.name) or not info.name.startswith(PREFIX):
        raise Refused(
            f"{place}: {info.name}: neither a factor that is known here nor a tensor of the base",
            hint="nobody knows what it does, and it is not left out: save the adapter again with a plain PEFT model",
        )
    return info.name.removeprefix(PREFIX)


def bare(path: str) -> str:
    """A path without the wrappers PEFT puts around modules.

    >>> bare("attn.base_layer.out_proj")
    'attn.out_proj'
    """
    return ".".join(part for part in path.split(".") if part not in WRAPPERS)


def _rows(parts: Parts, module: str, values: Tensor, place: str) -> Rows:
    fields = parts.config.fields
    own = "token_indices" if parts.config.type == "TRAINABLE_TOKENS" else "trainable_token_indices"
    indices = _indices(fields.get(own), module)
    if indices is None or values.ndim != 2 or len(indices) != len(values):
        raise Corrupt(
            f"{place}: {module}: trained tokens of {list(values.shape)}, and {own} names "
            f"{'none' if indices is None else len(indices)}",
            hint="take the config from the training run: without the numbers of the tokens the rows have no place",
        )
    if twice := sorted(index for index, count in Counter(indices).items() if count > 1):
        raise Corrupt(
            f"{place}: {module}: {own} names token {', '.join(map(str, twice))} more than once",
            hint="take the config from the training run: each trained row belongs to one token",
        )
    return Rows(tuple(indices), values)


def _indices(field: Any, module: str) -> list[int] | None:
    """The tokens of one embedding; a bare list is for the only one there is."""
    if isinstance(field, dict):
        field = next((value for name, value in field.items() if f".{module}".endswith(f".{name}")), None)
    whole = isinstance(field, list) and all(type(index) is int and index >= 0 for index in field)
    return field if whole else None

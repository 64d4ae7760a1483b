"""Which module of a base an adapter's module means: one table of named rules.

A checkpoint, the model that saved it and the model a user loads do not always agree on names. Each way in which they
differ is one row here, data with its source. A rule rewrites names and works on plain lists of them, so the audit
(names of tensors in headers) and the stack (names of live modules) share it, and each row is read in both directions.

    prefix        bert.encoder.layer.0…             encoder.layer.0…          a model with its head, the bare model
    vit           encoder.layer.0.attention.attention.query   layers.0.attention.q_proj     transformers 4, 5
    conv1d        the weight is stored (in, out), not (out, in)
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import final

__all__ = ["PREFIXES", "RENAMES", "Naming", "Rename", "match", "transposed"]

Rewrite = Callable[[str], str]


@final
@dataclass(frozen=True)
class Naming:
    """What each module of an adapter is called in the base; `rule` says how that was found.

    `rewrite` applies the same rule to any other name of the adapter.
    """

    rule: str
    rewrite: Rewrite
    targets: dict[str, str]
    missing: tuple[str, ...]


@final
@dataclass(frozen=True)
class Rename:
    """Two spellings of the modules of a repeated block: `<old block>.N.<old>` is `<new block>.N.<new>`."""

    types: frozenset[str]
    old_block: str
    new_block: str
    modules: dict[str, str]
    source: str


QKV = {"query": "q_proj", "key": "k_proj", "value": "v_proj"}
MLP = {"attention.output.dense": "attention.o_proj", "intermediate.dense": "mlp.fc1", "output.dense": "mlp.fc2"}

RENAMES = {
    "vit": Rename(
        frozenset({"beit", "deit", "vit", "vit_mae", "vit_msn"}),
        "encoder.layer",
        "layers",
        {**{f"attention.attention.{old}": f"attention.{new}" for old, new in QKV.items()}, **MLP},
        "measured: named_modules() against the checkpoint that save_pretrained writes, transformers 5.23",
    ),
    "dinov2": Rename(
        frozenset({"dinov2", "dinov2_with_registers"}),
        "encoder.layer",
        "encoder.layer",
        {
            **{f"attention.attention.{old}": f"attention.{new}" for old, new in QKV.items()},
            "attention.output.dense": "attention.o_proj",
        },
        "measured as for vit",
    ),
    "swin": Rename(
        frozenset({"swin"}),
        "blocks",
        "blocks",
        {**{f"attention.self.{old}": f"attention.{new}" for old, new in QKV.items()}, **MLP},
        "measured as for vit",
    ),
}
"""Blocks that transformers 5 renamed in the live model; on disk the checkpoint keeps the names of version 4."""

PREFIXES = {
    "big_bird": "bert",
    "bert-generation": "bert",
    "camembert": "roberta",
    "data2vec-audio": "data2vec_audio",
    "data2vec-text": "data2vec_text",
    "data2vec-vision": "data2vec_vision",
    "deberta-v2": "deberta",
    "falcon_mamba": "backbone",
    "mamba": "backbone",
    "mamba2": "backbone",
    "megatron-bert": "bert",
    "vit_mae": "vit",
    "vit_msn": "vit",
    "xlm-roberta": "roberta",
    "xlm-roberta-xl": "roberta",
    "xlstm": "backbone",
    "xmod": "roberta",
    "yolos": "vit",
}
"""The attribute under which a model with a head keeps the bare model, where that is not `model`, `transformer` or the
model type itself. Source: `base_model_prefix` of the classes of transformers 5.23."""

DOUBLED = "base_model.model"
"""What is left of PEFT's own prefix when a model was wrapped twice before it was saved."""

CONV1D_TYPES = frozenset({"clvp", "clvp_decoder", "decision_transformer", "gpt2", "imagegpt", "openai-gpt"})
CONV1D_LEAVES = frozenset({"c_attn", "c_fc", "c_proj", "q_attn"})
"""The modules of class `Conv1D` in transformers 5.23; the heads of these models are Linear."""


def transposed(module: str, model_type: str | None) -> bool:
    """Whether a checkpoint of this type stores the module's weight as (in, out).

    >>> transposed("transformer.h.0.attn.c_attn", "gpt2"), transposed("lm_head", "gpt2")
    (True, False)
    """
    return model_type in CONV1D_TYPES and module.rpartition(".")[2] in CONV1D_LEAVES


def match(modules: Iterable[str], available: Collection[str], model_type: str | None) -> Naming:
    """The rule under which most modules are found among the available names; of equals the first, identity before all.

    >>> match(["bert.encoder.layer.0.output.dense"], {"encoder.layer.0.output.dense"}, "bert").rule
    'prefix bert. left out'
    """
    wanted, there = list(modules), available if isinstance(available, set | frozenset | dict) else set(available)
    best = _try("identity", _same, wanted, there)
    if best.missing:
        best = max(
            [best, *(_try(rule, rewrite, wanted, there) for rule, rewrite in _ways(wanted, there, model_type))],
            key=lambda naming: len(naming.targets),
        )
    return best


def _try(rule: str, rewrite: Rewrite, wanted: list[str], there: Collection[str]) -> Naming:
    targets = {module: name for module in wanted if (name := rewrite(module)) in there}
    if len(set(targets.values())) < len(targets):
        targets = {}  # two modules would become one
    return Naming(rule, rewrite, targets, tuple(module for module in wanted if module not in targets))


def _ways(wanted: list[str], there: Collection[str], model_type: str | None) -> Iterator[tuple[str, Rewrite]]:
    """Every rule but identity that may apply, plain ones first."""
    prefixes = list(_prefix_rules(wanted, there, model_type))
    yield from prefixes
    for name, rewrite in _renames(model_type):
        yield name, rewrite
        for prefix, change in prefixes:
            yield f"{name}, {prefix}", _then(rewrite, change)


def _prefix_rules(wanted: list[str], there: Collection[str], model_type: str | None) -> Iterator[tuple[str, Rewrite]]:
    # One prefix may come or go, never become another: bert. and roberta. wrap the same names and other weights.
    own = PREFIXES.get(model_type or "", (model_type or "model").replace("-", "_"))
    for prefix in dict.fromkeys((own, "model", "transformer", DOUBLED)):
        dotted = f"{prefix}."
        if not any(name.startswith(dotted) for name in there):
            yield f"prefix {dotted} left out", _left_out(dotted)
        if not any(module.startswith(dotted) for module in wanted):
            yield f"prefix {dotted} added", _added(dotted)


def _renames(model_type: str | None) -> Iterator[tuple[str, Rewrite]]:
    for name, row in RENAMES.items():
        if model_type is None or model_type in row.types:
            yield f"{name} 4 to 5", _renamed(name, back=False)
            yield f"{name} 5 to 4", _renamed(name, back=True)


def _same(module: str) -> str:
    return module


def _then(first: Rewrite, second: Rewrite) -> Rewrite:
    return lambda module: second(first(module))


def _left_out(dotted: str) -> Rewrite:
    return lambda module: module.removeprefix(dotted)


def _added(dotted: str) -> Rewrite:
    return lambda module: dotted + module


@lru_cache
def _renamed(name: str, *, back: bool) -> Rewrite:
    row = RENAMES[name]
    old, new, modules = row.old_block, row.new_block, row.modules
    if back:
        old, new, modules = new, old, {there: here for here, there in modules.items()}
    shape = re.compile(rf"((?:.*\.)?){re.escape(old)}\.([0-9]+)\.(.+)")

    def rewrite(module: str) -> str:
        if (parts := shape.fullmatch(module)) is None:
            return module
        head, number, tail = parts.groups()
        return f"{head}{new}.{number}.{modules.get(tail, tail)}"

    return rewrite

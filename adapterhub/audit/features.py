"""What an adapter has that not every engine reads: one function and one line of the table each.

A feature is a number: how much of it there is, 0 for none. The data file of misreaders names features by their key.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import final

from adapterhub.audit.adapter import Adapter
from adapterhub.audit.layers import layers
from adapterhub.formats.peft_config_checks import MUTATING, is_path
from adapterhub.formats.peft_parts import CONFIG, WEIGHTS

__all__ = ["FEATURES", "Feature"]

HEADS = frozenset({"classifier", "score"})
"""Heads of classification that vLLM reads."""

FIELDS = ("r", "lora_alpha", "target_modules")
OUTPUTS = ("lm_head", "embed_out", "output_projection")
SAVED = re.compile(r"(?:^|\.)(?:embed_tokens|lm_head)\.weight")
RESIZED = ("embed_tokens.base_layer.weight", "lm_head.base_layer.weight")
NORM = re.compile(r"_layernorm|\.norm|_norm\.")


@final
@dataclass(frozen=True)
class Feature:
    """A row of the table: what it is called in a sentence, and how much of it an adapter has."""

    called: str
    look: Callable[[Adapter], int]


def _field(adapter: Adapter, name: str) -> object:
    return adapter.config.fields.get(name) if adapter.config else None


def _pattern(adapter: Adapter, name: str) -> int:
    value = _field(adapter, name)
    return len(value) if isinstance(value, dict) else 0


def _saved_modules(adapter: Adapter) -> frozenset[str]:
    return frozenset(adapter.config.modules_to_save) if adapter.config else frozenset()


def _set(name: str) -> Callable[[Adapter], int]:
    return lambda adapter: int(bool(_field(adapter, name)))


def _role(role: str) -> Callable[[Adapter], int]:
    return lambda adapter: int(role in adapter.roles)


def _dora(adapter: Adapter) -> int:
    return int("magnitude" in adapter.roles or bool(_field(adapter, "use_dora")))


def _bias(adapter: Adapter) -> int:
    return int(_field(adapter, "bias") in ("all", "lora_only"))


def _heads(adapter: Adapter) -> int:
    return sum(reason == "head" and not NORM.search(name) for name, reason in adapter.reasons.items())


def _norms(adapter: Adapter) -> int:
    return sum(bool(NORM.search(name)) for name in adapter.reasons)


def _embeddings(adapter: Adapter) -> int:
    return sum(bool(SAVED.search(name)) for name in adapter.reasons)


def _resized(adapter: Adapter) -> int:
    return sum(name.endswith(RESIZED) for name in adapter.reasons)


def _mutated(adapter: Adapter) -> int:
    how = _field(adapter, "init_lora_weights")
    return int(isinstance(how, str) and how.lower().startswith(MUTATING))


def _pattern_targets(adapter: Adapter) -> int:
    targets = _field(adapter, "target_modules")
    return int(isinstance(targets, str) and targets not in ("all", "all-linear"))


def _missing_fields(adapter: Adapter) -> int:
    return sum(name not in adapter.config.fields for name in FIELDS) if adapter.config else 0


def _missing_type(adapter: Adapter) -> int:
    return int(adapter.config is not None and not _field(adapter, "peft_type"))


def _other_tuner(adapter: Adapter) -> int:
    return int(adapter.facts.type not in (None, "LORA"))


def _fractional_alpha(adapter: Adapter) -> int:
    return int(isinstance(_field(adapter, "lora_alpha"), float))


def _unknown_base(adapter: Adapter) -> int:
    name = adapter.facts.base_name
    return int(name is None or is_path(name))


def _numbered_files(adapter: Adapter) -> int:
    return int(adapter.config is not None and bool({CONFIG, WEIGHTS} - {*adapter.files}) and bool(adapter.files))


def _queries_without_values(adapter: Adapter) -> int:
    ends = ("q_proj", "v_proj")
    queries, values = ({m.removesuffix(end) for m in adapter.targets if m.endswith(f".{end}")} for end in ends)
    return len(queries - values)


def _some_layers(adapter: Adapter) -> int:
    """Kinds of modules that lie in fewer layers than the adapter has."""
    return sum(len(numbers) < max(numbers) + 1 for numbers in layers(adapter.targets).values())


def _padded_rank(adapter: Adapter) -> int:
    ranks = map(int, adapter.facts.ranks)
    return sum(rank != 8 and rank % 16 != 0 for rank in ranks)


def _whole_path_pattern(adapter: Adapter) -> int:
    patterns: Iterable[str] = (*adapter.config.ranks.values, *adapter.config.alphas.values) if adapter.config else ()
    return sum(pattern.startswith("^") or pattern in adapter.targets for pattern in patterns)


FEATURES = {
    "rank": Feature("its rank", lambda adapter: adapter.facts.rank or 0),
    "rank_pattern": Feature("rank_pattern", lambda adapter: _pattern(adapter, "rank_pattern")),
    "alpha_pattern": Feature("alpha_pattern", lambda adapter: _pattern(adapter, "alpha_pattern")),
    "rslora": Feature("use_rslora", _set("use_rslora")),
    "dora": Feature("DoRA", _dora),
    "lora_bias": Feature("biases of B", _role("bias")),
    "bias": Feature("trained biases", _bias),
    "modules_to_save": Feature("modules_to_save", lambda adapter: len(_saved_modules(adapter))),
    "modules_to_save_but_heads": Feature("modules_to_save", lambda adapter: len(_saved_modules(adapter) - HEADS)),
    "saved_head": Feature("saved heads", _heads),
    "saved_embedding": Feature("a whole embedding", _embeddings),
    "resized_embedding": Feature("a resized embedding", _resized),
    "trained_norm": Feature("trained norms", _norms),
    "embedding_factors": Feature("factors of an embedding", _role("embedding_A")),
    "output_factors": Feature("factors of the output layer", lambda a: sum(m.endswith(OUTPUTS) for m in a.targets)),
    "trained_tokens": Feature("trained tokens", lambda adapter: len(adapter.tokens)),
    "expert_parameters": Feature("target_parameters", _set("target_parameters")),
    "mutated_base": Feature("the initialisation", _mutated),
    "other_tuner": Feature("the tuner", _other_tuner),
    "pattern_targets": Feature("target_modules", _pattern_targets),
    "missing_fields": Feature("missing fields", _missing_fields),
    "missing_type": Feature("the missing peft_type", _missing_type),
    "fractional_alpha": Feature("lora_alpha", _fractional_alpha),
    "unknown_base": Feature("the base's name", _unknown_base),
    "numbered_files": Feature("the files' names", _numbered_files),
    "queries_without_values": Feature("queries without values", _queries_without_values),
    "some_layers": Feature("layers without factors", _some_layers),
    "padded_rank": Feature("its rank", _padded_rank),
    "whole_path_pattern": Feature("patterns of whole paths", _whole_path_pattern),
    "any": Feature("PEFT's layout", lambda adapter: 1),
}

"""Folders of huggingface/peft: adapter_config.json and adapter_model.safetensors, of every type PEFT has or will have.

The LoRA family is understood tensor by tensor. Every other type is registered as what its config says it is, with the
counts its header gives.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from adapterhub.errors import AdapterHubError, Corrupt
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.formats import peft_agreement_checks, peft_config_checks, peft_tensor_checks, safetensors_header
from adapterhub.formats.header import commonest_dtype
from adapterhub.formats.json_file import read_object
from adapterhub.formats.members import Members
from adapterhub.formats.peft_config import FACTORED, PeftConfig
from adapterhub.formats.peft_keys import parse_key
from adapterhub.formats.peft_parts import (
    CONFIG,
    PICKLED,
    WEIGHTS,
    Parts,
    choose,
    factor_tensors,
    named_modules,
    rank_of,
)
from adapterhub.formats.peft_seen import Seen

__all__ = ["claims", "factor_tensors", "facts", "facts_of"]

FOREIGN_WEIGHTS = (".safetensors", ".npz", ".gguf", ".bin", ".pt")

DEFAULTS: dict[str, Any] = {"bias": "none", "init_lora_weights": True, "init_weights": True}
LONGEST_DETAIL = 2000
CHECKS = (*peft_tensor_checks.CHECKS, *peft_config_checks.CHECKS)
FACTOR_CHECKS = (
    *peft_tensor_checks.FACTOR_CHECKS,
    *peft_agreement_checks.FACTOR_CHECKS,
    *peft_config_checks.FACTOR_CHECKS,
)
DETAILS = (
    "use_rslora",
    "use_dora",
    "use_qalora",
    "lora_bias",
    "bias",
    "fan_in_fan_out",
    "init_lora_weights",
    "init_weights",
    "modules_to_save",
    "exclude_modules",
    "layers_to_transform",
    "target_parameters",
    "trainable_token_indices",
    "rank_pattern",
    "alpha_pattern",
    "peft_version",
)
"""Fields of the config worth showing, where they are set and not the default."""


def claims(members: Members) -> bool:
    """A PEFT config or PEFT weights by their names, unless the config is another library's; or a lone file of them."""
    names = members.names()
    config = choose(names, CONFIG)
    if choose(names, WEIGHTS) or choose(names, PICKLED):
        return config is None or not _is_foreign(members, config)
    if config is not None:
        typed = "peft_type" in _peek(members, config)
        return typed or not (_is_foreign(members, config) or any(name.endswith(FOREIGN_WEIGHTS) for name in names))
    return len(names) == 1 and names[0].endswith(".safetensors") and _has_peft_keys(members, names[0])


def _peek(members: Members, config: str) -> dict[str, Any]:
    try:
        return read_object(members, config)
    except AdapterHubError:
        return {}


def _is_foreign(members: Members, config: str) -> bool:
    """MLX and the adapters library call their configs by the same name."""
    fields = _peek(members, config)
    return "peft_type" not in fields and any(
        key in fields for key in ("lora_parameters", "fine_tune_type", "model_class", "hidden_size")
    )


def _has_peft_keys(members: Members, name: str) -> bool:
    try:
        with members.open(name) as stream:
            header = safetensors_header.read(stream, members.size(name), name)
    except Corrupt:
        return False
    return any(parse_key(tensor) for tensor in header.tensors)


def facts(members: Members) -> Facts:
    """What an adapter's config and header say, and what is wrong with it."""
    return facts_of(factor_tensors(members), members)


def facts_of(parts: Parts, members: Members) -> Facts:
    """The same of an adapter that was taken apart already."""
    config = parts.config
    factored = config.type in FACTORED
    ranks = Counter(rank for module in parts.modules if (rank := rank_of(parts, module)))
    return Facts(
        format="peft",
        type=config.type,
        rank=max(ranks, default=None),
        ranks={str(rank): ranks[rank] for rank in sorted(ranks)},
        alpha=config.alpha,
        targets=config.targets,
        modules=len(parts.modules if factored else named_modules(parts)) or None,
        dtype=commonest_dtype(parts.header.tensors.values()),
        parameters=parts.header.parameters,
        base_name=config.text("base_model_name_or_path"),
        base_revision=config.text("revision"),
        task=config.text("task_type"),
        details=_details(config),
        findings=tuple(_look(Seen(parts, members), factored)),
    )


def _look(seen: Seen, factored: bool) -> Iterator[Finding]:
    for check in (*(FACTOR_CHECKS if factored else ()), *CHECKS):
        yield from check(seen)


def _details(config: PeftConfig) -> dict[str, Any]:
    said = {name: config.fields[name] for name in DETAILS if name in config.fields}
    said = {name: value for name, value in said.items() if value != DEFAULTS.get(name) and value not in (None, False)}
    said.update({name: len(said[name]) for name in ("rank_pattern", "alpha_pattern") if name in said})
    if "modules_to_save" in said:
        said["modules_to_save"] = list(config.modules_to_save)
    said = {name: value for name, value in said.items() if len(str(value)) <= LONGEST_DETAIL}
    return {name: value for name, value in said.items() if value not in ({}, [], "", 0)}

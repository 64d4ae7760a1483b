"""Folders of the `adapters` library (adapter-hub), formerly adapter-transformers.

    adapter_config.json     {"config": {…} or a name, "model_name", "model_class", "model_type", "version", …}
    adapter.safetensors     or pytorch_adapter.bin, a pickle
    head_config.json        and model_head.safetensors or pytorch_model_head.bin: the prediction head

Inside `config`, `architecture` names the method; bottleneck adapters, the first there were, have none. The tensors are
named as in the model, with the adapter's own name in the path: `….loras.<name>.…`, `….adapters.<name>.…`
"""

from typing import Any

from adapterhub.errors import Corrupt, NotFound, Refused
from adapterhub.facts import Facts
from adapterhub.formats import factors, field, safetensors_header
from adapterhub.formats.header import Header, commonest_dtype
from adapterhub.formats.json_file import read_object
from adapterhub.formats.members import Members
from adapterhub.formats.peft_keys import PREFIX, parse_key

__all__ = ["claims", "facts"]

CONFIG = "adapter_config.json"
WEIGHTS, PICKLE = "adapter.safetensors", "pytorch_adapter.bin"
HEADS = ("model_head.safetensors", "pytorch_model_head.bin")
OWN_FIELDS = {"config", "model_name", "model_class", "model_type", "version", "hidden_size"}

PLACES = {"prefix_tunings", "prefix_gates", "loras", "refts", "prompt_tunings", "shared_parameters"}
"""Path segments behind which the adapter's name and its tensors stand; also every word that ends in `adapters`."""

FROM_PEFT = {"A": "down", "B": "up"}


def claims(members: Members) -> bool:
    """Whether the config is one this library writes, or its weights are there by name."""
    names = members.names()
    if CONFIG not in names:
        return PICKLE in names  # any other file may be called adapter.safetensors
    try:
        config = read_object(members, CONFIG)
    except Corrupt:
        return WEIGHTS in names or PICKLE in names
    return "config" in config and len(OWN_FIELDS & config.keys()) >= 3 and "peft_type" not in config


def facts(members: Members) -> Facts:
    """What config and header say."""
    config = read_object(members, CONFIG)
    method, settings = _method(config)
    header = _weights(members)
    modules, rest = factors.group(header.tensors.values(), _parse, WEIGHTS)
    fields = factors.counts(modules, factors.ranks_of(factors.pairs_of(modules)))
    places = {_place(tensor.name) for tensor in rest} | {_place(module) for module in modules}
    fields |= {
        "modules": len(places),
        "targets": tuple(sorted(set(field.words(settings, "attn_matrices", CONFIG)))),
        "dtype": commonest_dtype(header.tensors.values()),
        "parameters": header.parameters,
    }
    return Facts(
        format="adapters",
        type=f"adapters:{method}",
        alpha=field.number(settings, "alpha", CONFIG),
        base_name=field.text(config, "model_name", CONFIG),
        details=_details(members, config, settings),
        findings=tuple(factors.no_factors({tensor: {} for tensor in header.tensors}, WEIGHTS)),
        **fields,
    )


def _method(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The method's name and its settings; old configs name a ready-made bottleneck instead."""
    if isinstance(config.get("config"), str):
        return "bottleneck", {}
    settings = field.section(config, "config", CONFIG)
    return field.text(settings, "architecture", CONFIG) or "bottleneck", settings


def _weights(members: Members) -> Header:
    if WEIGHTS in members.names():
        with members.open(WEIGHTS) as stream:
            return safetensors_header.read(stream, members.size(WEIGHTS), WEIGHTS)
    if PICKLE in members.names():
        raise Refused(
            f"{PICKLE}: the weights are a pickle, which can run code when it is loaded",
            hint=f"save the adapter again with use_safetensors=True, which writes {WEIGHTS}",
        )
    raise NotFound(
        f"no weights: wanted {WEIGHTS} beside {CONFIG}, got {', '.join(members.names()[:8])}",
        hint="the config alone is no adapter: fetch or save the weights too",
    )


def _parse(name: str) -> tuple[str, str] | None:
    key = parse_key(PREFIX + name)
    if key is None or key.role not in FROM_PEFT:
        return None
    return key.module, FROM_PEFT[key.role]


def _place(name: str) -> str:
    """The module of the model a tensor was added to."""
    parts = name.split(".")
    added = (number for number, part in enumerate(parts) if part in PLACES or part.endswith("adapters"))
    return ".".join(parts[: next(added, len(parts))])


def _details(members: Members, config: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    named = config.get("config")
    details = {
        "name": field.text(config, "name", CONFIG),
        "model_class": field.text(config, "model_class", CONFIG),
        "model_type": field.text(config, "model_type", CONFIG),
        "version": field.text(config, "version", CONFIG),
        "config": named if isinstance(named, str) else None,
        "reduction_factor": factor if isinstance(factor := settings.get("reduction_factor"), int | float) else None,
        "head": any(name in members.names() for name in HEADS) or None,
    }
    return {key: value for key, value in details.items() if value is not None}

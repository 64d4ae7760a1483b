"""A PEFT adapter taken apart, by headers alone: which tensors each module of the base has, and of which rank."""

import re
from dataclasses import dataclass
from typing import NoReturn, final

from adapterhub.errors import Corrupt, NotFound, Refused
from adapterhub.formats import safetensors_header
from adapterhub.formats.header import Header, TensorInfo, refuse_pointer
from adapterhub.formats.json_file import read_text
from adapterhub.formats.members import Members
from adapterhub.formats.peft_config import PeftConfig
from adapterhub.formats.peft_config import read as read_config
from adapterhub.formats.peft_experts import leaves_of
from adapterhub.formats.peft_keys import PREFIX, Role, parse_key

__all__ = ["CONFIG", "PICKLED", "WEIGHTS", "Parts", "choose", "factor_tensors", "is_expert", "named_modules", "rank_of"]

CONFIG, WEIGHTS, PICKLED = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"

DEEPEST_TARGET = 16
"""Words of a target, dots between them: whole paths have eight or so."""


@final
@dataclass(frozen=True)
class Parts:
    """A PEFT adapter taken apart: the tensors of each module by their role, and all others."""

    config: PeftConfig
    config_name: str
    weights: str
    header: Header
    modules: dict[str, dict[Role, TensorInfo]]
    others: tuple[TensorInfo, ...]


def choose(names: tuple[str, ...], wanted: str) -> str | None:
    """The member that is `wanted`, or that a browser saved as `wanted (1)`.

    >>> choose(("adapter_config (1).json",), "adapter_config.json")
    'adapter_config (1).json'
    """
    if wanted in names:
        return wanted
    stem, dot, suffix = wanted.rpartition(".")
    copy = re.compile(re.escape(stem) + r" ?\(\d{1,3}\)" + re.escape(dot + suffix))
    return next((name for name in names if copy.fullmatch(name)), None)


def factor_tensors(members: Members) -> Parts:
    """Take an adapter apart, by headers alone. Weights are looked for before anything is said about the config."""
    names = members.names()
    weights = choose(names, WEIGHTS)
    if weights is None and choose(names, CONFIG) is None:
        weights = next((name for name in names if name.endswith(".safetensors")), None)
    if weights is None:
        _no_weights(members, names)
    with members.open(weights) as stream:
        header = safetensors_header.read(stream, members.size(weights), weights)
    if not header.tensors:
        raise Corrupt(f"{weights}: no tensors in it", hint="the adapter was saved wrongly: save it again")
    config_name = choose(names, CONFIG)
    if config_name is None:
        raise NotFound(
            f"{weights}: there is no {CONFIG} beside it, and only that says what the tensors mean",
            hint=f"put the {CONFIG} of the training run into the folder and add the folder",
        )
    config = read_config(read_text(members, config_name), config_name)
    modules, others = _group(header)
    return Parts(config, config_name, weights, header, modules, others)


def _no_weights(members: Members, names: tuple[str, ...]) -> NoReturn:
    pickled = choose(names, PICKLED)
    if pickled is None:
        raise NotFound(
            f"no weights: looked for {WEIGHTS} and {PICKLED}, found {', '.join(names) or 'nothing'}",
            hint="a config alone is no adapter: copy the weights beside it",
        )
    with members.open(pickled) as stream:
        refuse_pointer(stream, pickled)
    raise Refused(
        f"{pickled}: the weights are a pickle, and reading a pickle can run any program",
        hint="`adapterhub add --convert-pickle` reads nothing but tensors, in a process of its own, and keeps them",
    )


def _group(header: Header) -> tuple[dict[str, dict[Role, TensorInfo]], tuple[TensorInfo, ...]]:
    modules: dict[str, dict[Role, TensorInfo]] = {}
    others = []
    for name, tensor in header.tensors.items():
        if key := parse_key(name):
            modules.setdefault(key.module, {})[key.role] = tensor
        else:
            others.append(tensor)
    return modules, tuple(others)


def named_modules(parts: Parts) -> tuple[str, ...]:
    """The modules whose tensors have names of no role: what stands before them up to the end of a target."""
    targets = set(parts.config.targets)
    found: dict[str, None] = {}
    for name in parts.header.tensors:
        path = name.removeprefix(PREFIX).split(".")
        for end in range(len(path) - 1, 0, -1):
            if any(".".join(path[start:end]) in targets for start in range(max(end - DEEPEST_TARGET, 0), end)):
                found[".".join(path[:end])] = None
                break
    return tuple(found)


def rank_of(parts: Parts, module: str) -> int | None:
    """The rank of a module, as its tensors have it; None where no factor is a matrix.

    Experts fused into one parameter have all their factors in one tensor: E·r rows. Only the config tells r from E.
    """
    tensors = parts.modules[module]
    first = tensors.get("A") or tensors.get("embedding_A")
    second = tensors.get("B") or tensors.get("embedding_B")
    if first is not None and len(first.shape) >= 2:
        rows = first.shape[0]
    elif second is not None and len(second.shape) >= 2:
        rows = second.shape[1]
    else:
        return None
    claimed = parts.config.rank_of(module) if is_expert(parts.config, module) else None
    return claimed if claimed and rows % claimed == 0 else rows


def is_expert(config: PeftConfig, module: str) -> bool:
    """Whether a module's tensors change one of `target_parameters`; a second parameter lies one `base_layer` deeper."""
    if not config.target_parameters:
        return False
    path = module
    while path.endswith(".base_layer"):
        path = path.removesuffix(".base_layer")
    return bool(leaves_of(config, path))

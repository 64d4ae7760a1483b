"""Which parameters of a live model an adapter changes without a module to call, and what stands in the way."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from adapterhub.compose.live.bypass import bypass
from adapterhub.compose.live.experts import Experts, Place, experts_of
from adapterhub.compose.live.layers import known
from adapterhub.compose.live.swap import tensor_at
from adapterhub.formats.peft_experts import EXPERT
from adapterhub.lora.delta import Delta

__all__ = ["fit_experts", "own_matrix", "split"]

Parameters = dict[Place, dict[int, Delta]]
"""By place, as the adapter names it, the changes of its matrices."""


def split(deltas: Mapping[str, Delta]) -> tuple[dict[str, Delta], Parameters]:
    """The changes of modules, and those of parameters, which have a number behind.

    >>> split({"experts.down_proj[3]": None})
    ({}, {('experts', 'down_proj'): {3: None}})
    """
    modules: dict[str, Delta] = {}
    parameters: Parameters = {}
    for name, delta in deltas.items():
        if (found := EXPERT.fullmatch(name)) is None:
            modules[name] = delta
        else:
            path, _, leaf = found["parameter"].rpartition(".")
            parameters.setdefault((path, leaf), {})[int(found["number"])] = delta
    return modules, parameters


def own_matrix(
    fields: Mapping[str, dict[str, Any]],
    targets: Mapping[str, str],
    modules: Mapping[str, nn.Module],
    parameters: Parameters,
) -> None:
    """Move what changes nothing but the weight of a module of unknown class, as a router is, to the parameters."""
    others = {name for field, some in fields.items() if field != "deltas" for name in some}
    for name, delta in list(fields["deltas"].items()):
        if name in targets and name not in others and not known(module := modules[targets[name]]):
            weight = tensor_at(module, "weight")
            if weight is not None and weight.shape == delta.shape:
                parameters[name, "weight"] = {0: fields["deltas"].pop(name)}


def fit_experts(
    model: nn.Module,
    parameters: Mapping[Place, Experts],
    targets: Mapping[str, str],
    modules: Mapping[str, nn.Module],
    faults: list[str],
) -> dict[Place, Experts]:
    """The changed parameters by their place in the model."""
    found: dict[Place, Experts] = {}
    for (path, leaf), deltas in parameters.items():
        if (target := targets.get(path)) is None:
            continue
        experts = experts_of(modules[target], leaf, deltas)
        if isinstance(experts, str):
            faults.append(f"{target}.{leaf}".lstrip(".") + f" {experts}")
        elif leaf == "weight" and (reason := bypass(model, target)):
            faults.append(f"{target} cannot take it: {reason}; fuse it into the weights")
        else:
            found[target, leaf] = experts
    return found

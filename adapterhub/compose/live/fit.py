"""What of an adapter goes where in a live model, and everything that stands in the way, before anything is touched."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor, nn

from adapterhub.base.fold import fold, sentence
from adapterhub.base.names import Naming, match
from adapterhub.compose.live.layers import PLAIN, Layer, layer_of
from adapterhub.compose.live.pieces import Claim
from adapterhub.compose.live.reasons import reasons
from adapterhub.compose.live.swap import own, tensor_at
from adapterhub.errors import DoesNotFit
from adapterhub.lora.adapter import Adapter

__all__ = ["Fit", "fit", "model_type", "refuse"]

FIELDS = {
    "deltas": "delta",
    "magnitudes": "magnitude",
    "shifts": "shift",
    "gains": "gain",
    "biases": "bias",
    "rows": "rows",
}
"""Field of an adapter -> of a claim."""

Claims = dict[str, Claim]
Tensors = dict[tuple[str, str], Tensor]


@final
@dataclass(frozen=True, eq=False)
class Fit:
    """One adapter against one model: claims by module, whole tensors by (module, leaf), and what does not fit.

    What does not fit is not among the claims and tensors. `copies`: whether it holds whole tensors that are the model's
    own, untrained, which peft saves too.
    """

    layers: Mapping[str, Layer]
    claims: Mapping[str, Claim]
    tensors: Mapping[tuple[str, str], Tensor]
    copies: bool
    missing: tuple[str, ...]
    faults: tuple[str, ...]

    @cached_property
    def rows(self) -> dict[str, tuple[int, ...]]:
        """The trained tokens, by module."""
        return {path: claim.rows.indices for path, claim in self.claims.items() if claim.rows is not None}


def fit(model: nn.Module, adapter: Adapter) -> Fit:
    """Where everything the adapter carries belongs; no values are read but those of whole tensors."""
    faults: list[str] = []
    modules = dict(model.named_modules(remove_duplicate=False))
    fields = {name: _ordinary(getattr(adapter, name), faults) for name in FIELDS}
    paths = {path: path.rpartition(".")[::2] for path in adapter.tensors}
    wanted = [module for some in fields.values() for module in some] + [module for module, _ in paths.values()]
    naming = match(dict.fromkeys(wanted), modules, model_type(model))
    claims = _share_rows(_claims(fields, naming.targets), modules)
    layers, claims = _layers(model, _once(claims, modules, faults), modules, faults)
    tensors, copies = _whole(adapter, naming, modules, claims, faults)
    return Fit(layers, claims, tensors, copies, naming.missing, tuple(faults))


def refuse(model: nn.Module, fits: Mapping[str, Fit], *, partial: bool = False) -> None:
    """Nothing if all fit, or with `partial` something of each; else `DoesNotFit` with everything in the way."""
    bad = {name: one for name, one in fits.items() if not (partial and (one.claims or one.tensors))}
    lines = [f"{name}: no module {sentence(one.missing)}" for name, one in bad.items() if one.missing]
    lines += [f"{name}: {fault}" for name, one in bad.items() for fault in fold(one.faults)]
    if lines:
        raise DoesNotFit(
            f"nothing was attached to {type(model).__name__}: " + "; ".join(lines),
            hint="`adapterhub audit` says which base an adapter fits; names are those of model.named_modules()",
        )


def model_type(model: nn.Module) -> str | None:
    """What the model's config says it is."""
    kind = getattr(getattr(model, "config", None), "model_type", None)
    return kind if isinstance(kind, str) else None


def _ordinary(some: Mapping[str, object], faults: list[str]) -> Mapping[str, object]:
    """What changes modules; a parameter of many matrices (`experts.down_proj[3]`) is used without being called."""
    inner = dict.fromkeys(name.partition("[")[0] for name in some if name.endswith("]"))
    faults += [f"{name} is a parameter used without a module to call; fuse it into the weights" for name in inner]
    return {name: value for name, value in some.items() if not name.endswith("]")}


def _claims(fields: Mapping[str, Mapping[str, object]], targets: Mapping[str, str]) -> Claims:
    """What an adapter has, sorted by the model's module."""
    parts: dict[str, dict[str, Any]] = {}
    for name, own_name in FIELDS.items():
        for module, value in fields[name].items():
            if module in targets:
                parts.setdefault(targets[module], {})[own_name] = value
    return {target: Claim(**some) for target, some in parts.items()}


def _share_rows(claims: Claims, modules: Mapping[str, nn.Module]) -> Claims:
    """Trained tokens change the output layer too where it shares the embedding's weight."""
    shared = dict(claims)
    for target, claim in claims.items():
        if claim.rows is None or not isinstance(modules[target], nn.Embedding):
            continue
        weight = own(modules[target], "weight")
        heads = {module: path for path, module in modules.items() if isinstance(module, nn.Linear)}
        for path in (path for module, path in heads.items() if own(module, "weight") is weight):
            other = shared.get(path, Claim())
            shared[path] = replace(other, rows=other.rows or claim.rows)
    return shared


def _once(claims: Claims, modules: Mapping[str, nn.Module], faults: list[str]) -> Claims:
    """A module with two names would be changed twice."""
    first: dict[nn.Module, str] = {}
    twice = {target: other for target in claims if (other := first.setdefault(modules[target], target)) != target}
    faults += [f"{one} is the same module as {other}, and the adapter changes both" for one, other in twice.items()]
    return {target: claim for target, claim in claims.items() if target not in twice}


def _layers(
    model: nn.Module, claims: Claims, modules: Mapping[str, nn.Module], faults: list[str]
) -> tuple[dict[str, Layer], Claims]:
    """The modules as layers, and the claims they can take."""
    layers, taken = {}, {}
    for target, claim in claims.items():
        layer = layer_of(modules[target], target)
        if isinstance(layer, Layer) and layer.form is not None and claim.delta is not None:
            claim = replace(claim, delta=claim.delta.within(layer.shape, layer.form))
        bad = list(reasons(model, layer, claim))
        faults += [f"{target} {reason}" for reason in bad]
        if isinstance(layer, Layer) and not bad:
            layers[target], taken[target] = layer, claim
    return layers, taken


def _whole(
    adapter: Adapter, naming: Naming, modules: Mapping[str, nn.Module], claims: Claims, faults: list[str]
) -> tuple[Tensors, bool]:
    """The tensors that stand in place of the model's, and whether there are others that are the model's already."""
    found: Tensors = {}
    copies = False
    for path, tensor in adapter.tensors.items():
        module, _, leaf = path.rpartition(".")
        if (target := naming.targets.get(module)) is None:
            continue
        name, claim = f"{target}.{leaf}".lstrip("."), claims.get(target, Claim())
        there = own(modules[target], leaf) if tensor_at(modules[target], leaf) is not None else None
        if reason := _unfit(there, tensor):
            faults.append(f"{name} {reason}")
        elif isinstance(there, Tensor) and torch.equal(there.detach(), tensor.to(there.device, there.dtype)):
            copies = True
        elif leaf == "weight" and (claim.magnitude is not None or claim.rows is not None):
            faults.append(f"{name} is both put in place and measured by DoRA or trained tokens")
        else:
            found[target, leaf] = tensor
    return found, copies


def _unfit(there: object, tensor: Tensor) -> str:
    if not isinstance(there, Tensor):
        return "is not in the model"
    if there.shape != tensor.shape:
        return f"is {list(there.shape)}, the adapter puts {list(tensor.shape)} in its place: resize the model first"
    return "is offloaded or quantised, and cannot be exchanged" if there.is_meta or there.dtype not in PLAIN else ""

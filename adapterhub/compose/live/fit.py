"""What of an adapter goes where in a live model, and everything that stands in the way, before anything is touched."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

from torch import Tensor, nn

from adapterhub.base.fold import brief, sentence
from adapterhub.base.names import Naming, match
from adapterhub.compose.choice import copied
from adapterhub.compose.live.experts import Experts, Place
from adapterhub.compose.live.experts_fit import fit_experts, own_matrix, split
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

SHOWN = 6
"""Folded names of modules a message lists."""

Claims = dict[str, Claim]
Tensors = dict[tuple[str, str], Tensor]


@final
@dataclass(frozen=True, eq=False)
class Fit:
    """One adapter against one model: claims by module, changed parameters and whole tensors by place, and misfits.

    What does not fit is not among the others. `copies`: whether it holds whole tensors that are the model's
    own, untrained, which peft saves too.
    """

    layers: Mapping[str, Layer]
    claims: Mapping[str, Claim]
    experts: Mapping[Place, Experts]
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
    fields = {name: getattr(adapter, name) for name in FIELDS}
    fields["deltas"], parameters = split(adapter.deltas)
    paths = {path: path.rpartition(".")[::2] for path in adapter.tensors}
    wanted = [module for some in fields.values() for module in some]
    wanted += [module for module, _ in (*paths.values(), *parameters)]
    naming = match(dict.fromkeys(wanted), modules, model_type(model))
    own_matrix(fields, naming.targets, modules, parameters)
    claims = _share_rows(_claims(fields, naming.targets), modules)
    alone = _alone({*claims, *naming.targets.values()}, modules, faults)
    claims = {path: claim for path, claim in claims.items() if path in alone}
    layers, claims = _layers(model, claims, modules, faults)
    tensors, copies = _whole(adapter, naming, modules, claims, faults)
    tensors = {place: tensor for place, tensor in tensors.items() if place[0] in alone}
    experts = fit_experts(model, parameters, naming.targets, modules, faults)
    experts = {place: one for place, one in experts.items() if place[0] in alone}
    return Fit(layers, claims, experts, tensors, copies, naming.missing, tuple(faults))


def refuse(model: nn.Module, fits: Mapping[str, Fit], *, partial: bool = False) -> None:
    """Nothing if all fit, or with `partial` something of each; else `DoesNotFit` with everything in the way."""
    bad = {name: one for name, one in fits.items() if not (partial and (one.claims or one.experts or one.tensors))}
    lines = [f"{name}: no module {_listed(one.missing)}" for name, one in bad.items() if one.missing]
    lines += [f"{name}: {'; '.join(_told(one.faults))}" for name, one in bad.items() if one.faults]
    if lines:
        some = not partial and all(one.claims or one.experts or one.tensors for one in bad.values())
        raise DoesNotFit(
            f"nothing was attached to {type(model).__name__}: " + "; ".join(lines),
            hint="`adapterhub audit` says which base an adapter fits; names are those of model.named_modules()"
            + ("; partial=True takes what fits" if some else ""),
        )


def _told(faults: Iterable[str]) -> Iterator[str]:
    """Each fault once, behind all the places that have it."""
    places: dict[str, list[str]] = {}
    for fault in faults:
        place, _, what = fault.partition(" ")
        places.setdefault(what, []).append(place)
    for what, where in places.items():
        yield f"{_listed(where)} {what}"


def _listed(names: Iterable[str]) -> str:
    """The first of the folded names, and how many lines are left out."""
    lines = brief(names)
    more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return ", ".join(lines[:SHOWN]) + more


def model_type(model: nn.Module) -> str | None:
    """What the model's config says it is."""
    kind = getattr(getattr(model, "config", None), "model_type", None)
    return kind if isinstance(kind, str) else None


def _claims(fields: Mapping[str, Mapping[str, object]], targets: Mapping[str, str]) -> Claims:
    """What an adapter has, sorted by the model's module."""
    parts: dict[str, dict[str, Any]] = {}
    for name, own_name in FIELDS.items():
        for module, value in fields[name].items():
            if module in targets:
                parts.setdefault(targets[module], {})[own_name] = value
    return {target: Claim(**some) for target, some in parts.items()}


def _share_rows(claims: Claims, modules: Mapping[str, nn.Module]) -> Claims:
    """Trained tokens change the output layer, and other embeddings, too where these share the embedding's weight."""
    shared = dict(claims)
    for target, claim in claims.items():
        if claim.rows is None or not isinstance(modules[target], nn.Embedding):
            continue
        weight = own(modules[target], "weight")
        names = {modules[path]: path for path in (*modules, *claims)}  # of several, the one that has a claim
        others = [path for module, path in names.items() if isinstance(module, nn.Linear | nn.Embedding)]
        for path in (path for path in others if path != target and own(modules[path], "weight") is weight):
            other = shared.get(path, Claim())
            shared[path] = replace(other, rows=other.rows or claim.rows)
    return shared


def _alone(paths: Collection[str], modules: Mapping[str, nn.Module], faults: list[str]) -> set[str]:
    """The modules that have one place. One with several is called from several places, and all of them would change.

    Two paths to the same attribute of the same parent (`backbone.x`, `model.backbone.x`) are one place, as long as the
    adapter has a change for only one of them.
    """
    names: dict[nn.Module, list[str]] = {}
    for path, module in modules.items():
        names.setdefault(module, []).append(path)
    places = {path: (modules.get(path.rpartition(".")[0]), path.rpartition(".")[2]) for path in modules}
    shared = {}
    for path in sorted(paths):
        others = [other for other in names[modules[path]] if other in paths or places[other] != places[path]]
        if others != [path]:
            shared[modules[path]] = path
    faults += [
        f"{path} is one module under {len(names[module])} names ({sentence(names[module])}), and all of them would "
        "change: give each name a module of its own (copy.deepcopy)"
        for module, path in shared.items()
    ]
    return {path for path in paths if modules[path] not in shared}


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
        elif isinstance(there, Tensor) and copied(there.detach(), tensor):
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
    if there.is_meta:
        return "is offloaded, and cannot be exchanged"
    # Counters of a BatchNorm are whole numbers on both sides.
    same = there.dtype == tensor.dtype or (there.dtype in PLAIN and tensor.dtype in PLAIN)
    kinds = [str(one.dtype).removeprefix("torch.") for one in (there, tensor)]
    return "" if same else f"is stored as {kinds[0]}, the adapter has {kinds[1]}: the model is quantised"

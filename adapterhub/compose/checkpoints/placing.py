"""Where the changes of adapters belong in a checkpoint, from headers alone.

One adapter's names are matched with the checkpoint's as a whole (`base.names`); then each thing it carries finds its
tensor: a delta the weight of its module, or one expert's slice of a parameter; a bias the bias; a whole tensor itself.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from adapterhub.base.fold import sentence
from adapterhub.base.names import Naming, match
from adapterhub.compose.checkpoints.brought import brought
from adapterhub.compose.checkpoints.checkpoint import Checkpoint
from adapterhub.compose.checkpoints.place_deltas import place_delta
from adapterhub.compose.checkpoints.place_experts import split
from adapterhub.compose.checkpoints.place_vectors import place_vectors
from adapterhub.compose.checkpoints.place_whole import place_rows, place_whole
from adapterhub.compose.checkpoints.targets import One, Part, Targets
from adapterhub.compose.checkpoints.tied import shared_with, shares, twin
from adapterhub.lora.adapter import Adapter, Rows

__all__ = ["collect", "named"]


def named(targets: Targets, parts: Sequence[Part], *, partial: bool = False) -> list[One]:
    """The adapters with their names matched, without what is the base's own in them.

    partial: without the modules the base has no weight for, too.
    """
    ones = [One(targets, name, adapter, weight, _naming(targets.base, adapter)) for name, adapter, weight in parts]
    own = [_once(replace(one, adapter=brought(targets.base, one.naming, one.adapter))) for one in ones]
    return [_there(one) for one in own] if partial else own


def collect(targets: Targets, ones: Sequence[One]) -> None:
    """All that the adapters change goes to the targets; no two of them stand in one place."""
    for one in ones:
        _missing(one)
        for module, delta in one.adapter.deltas.items():
            place_delta(one, module, delta)
        place_vectors(one)
    for one in ones:
        place_whole(one)
    for one in ones:
        place_rows(one)
    _twins(targets)


def _once(one: One) -> One:
    """Trained tokens once: PEFT saves them for every layer that shares the embedding, the files have that alone."""
    base, naming, rows = one.all.base, one.naming, one.adapter.rows
    kept = [
        rows[name] for name in rows if name not in naming.missing and shares(base, f"{naming.rewrite(name)}.weight")
    ]
    again = {name for name in naming.missing if name in rows and any(_equal(rows[name], other) for other in kept)}
    left = {name: some for name, some in rows.items() if name not in again}
    missing = tuple(name for name in naming.missing if name not in again)
    return replace(one, adapter=replace(one.adapter, rows=left), naming=replace(naming, missing=missing))


def _there(one: One) -> One:
    """What the base has a place for; an adapter of which nothing is left stays as it is, and does not fit."""
    gone = frozenset(one.naming.missing)
    kept = {
        kind: {name: some for name, some in getattr(one.adapter, kind).items() if split(name)[0] not in gone}
        for kind in ("deltas", "shifts", "magnitudes", "gains", "biases", "rows")
    }
    kept["tensors"] = {path: some for path, some in one.adapter.tensors.items() if path.rpartition(".")[0] not in gone}
    if not gone or not (kept["deltas"] or kept["gains"] or kept["rows"]):
        return one
    one.all.left.setdefault(one.name, []).append(f"{sentence(gone)}: left out, the base has no weight for it")
    return replace(one, adapter=replace(one.adapter, **kept), naming=replace(one.naming, missing=()))


def _equal(one: Rows, other: Rows) -> bool:
    return one.indices == other.indices and (one.values.is_meta or torch.equal(one.values, other.values))


def _twins(targets: Targets) -> None:
    """A tied weight that the base's files hold twice changes twice, or it would be tied no longer."""
    for (name, _), patch in list(targets.patches.items()):
        if (other := twin(targets.base, name)) is None:
            continue
        if (known := targets.patches.get((other, 0))) is not None:
            known.stands += patch.stands
        else:
            start = targets.base.places[other][1].start
            targets.patches[other, 0] = replace(patch, tensor=other, start=start)


def _naming(base: Checkpoint, adapter: Adapter) -> Naming:
    """What an adapter's modules are called in the base."""
    weights = (*adapter.deltas, *adapter.gains, *adapter.rows, *adapter.shifts)
    modules = dict.fromkeys(split(name)[0] for name in weights)
    there = {name.removesuffix(".weight") for name in base.places} | set(base.places)
    if modules:
        naming = match(modules, there, base.model_type)
        wide = match(modules, there | base.experts.keys(), base.model_type) if naming.missing else naming
        return wide if len(wide.targets) > len(naming.targets) else naming
    # Nothing but biases and whole tensors: what they are called is a hint, what is missing is seen one by one.
    others = dict.fromkeys((*adapter.biases, *(name.rpartition(".")[0] for name in adapter.tensors)))
    naming = match(others, there, base.model_type)
    return Naming(naming.rule, naming.rewrite, naming.targets, ())


def _missing(one: One) -> None:
    """Modules the checkpoint has no weight for; of an output layer that is tied, the reason."""
    tied = {}
    for module in one.naming.missing:
        delta = one.adapter.deltas.get(module)
        if delta is not None and (other := shared_with(one.all.base, delta.shape)):
            tied[module] = other
    if gone := [module for module in one.naming.missing if module not in tied]:
        one.fault(f"the base has no weight for {sentence(gone)}")
    for module, other in tied.items():
        one.head(module, other)

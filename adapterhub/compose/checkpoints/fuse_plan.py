"""What a fuse will write, found from headers alone, with every mistake told at once."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

import torch

from adapterhub.base.fold import fold, sentence
from adapterhub.compose.checkpoints.checkpoint import Checkpoint, open_checkpoint
from adapterhub.compose.checkpoints.patch import Patch
from adapterhub.compose.checkpoints.placing import collect, named
from adapterhub.compose.checkpoints.targets import Part, Targets
from adapterhub.compose.checkpoints.whose import unused, whose
from adapterhub.digest import Digest
from adapterhub.errors import DoesNotFit, Refused, WrongUsage
from adapterhub.lora.adapter import Adapter

__all__ = ["FusePlan", "plan_fuse"]

UNTIE = (
    "stack the adapter on the live model, or save the base with tie_word_embeddings false and a weight for each layer"
)
BOTH = "or let both layers change: tied=True"
NEW = "a head the base does not have is appended with new_tensors=True (--new-tensors); anything else has a wrong name"


@final
@dataclass(frozen=True)
class FusePlan:
    """What will be written. `identity` is what the bytes hang on beside the base: adapters, weights, choices."""

    base: Checkpoint
    targets: Targets
    identity: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def digest(self) -> Digest:
        """Another one where the result may be another."""
        text = {"base": self.base.identity, "adapterhub": version("adapterhub"), **self.identity}
        return Digest.of(json.dumps(text, sort_keys=True, default=str).encode())

    @property
    def touched(self) -> tuple[str, ...]:
        """The tensors that change or are new."""
        return tuple(sorted({name for name, _ in self.targets.patches} | set(self.targets.added)))

    def patches(self, shard: str) -> list[Patch]:
        """Those of one file, in the order of their places."""
        found = [patch for (name, _), patch in self.targets.patches.items() if self.base.places[name][0] == shard]
        return sorted(found, key=lambda patch: patch.start)


def plan_fuse(
    parts: Sequence[Part],
    base: Path,
    *,
    recipe: Mapping[str, Any],
    choose: str | None = None,
    tied: bool = False,
    new_tensors: bool = False,
    partial: bool = False,
) -> FusePlan:
    """The plan; raises one error that tells everything that stands in the way."""
    on = _operands(parts)
    targets = Targets(open_checkpoint(base))
    ones = named(targets, on, partial=partial)
    used = whose(ones, parts, choose)
    collect(targets, used)
    _refuse(targets, tied=tied, new_tensors=new_tensors)
    identity = {"recipe": recipe, "weights": [[name, weight] for name, _, weight in parts], "choose": choose}
    return FusePlan(targets.base, targets, identity, (*unused(ones, used), *_notes(targets)))


def _refuse(targets: Targets, *, tied: bool, new_tensors: bool) -> None:
    """Everything that stands in the way in one error."""
    shared = {} if tied else targets.shared
    strays = {} if new_tensors else targets.strays
    told = f"nothing was written: {_lines(targets.faults, targets.heads, shared, strays)}"
    if targets.faults:
        raise DoesNotFit(told, hint="`adapterhub audit` says which base an adapter fits")
    if targets.heads or shared or strays:
        hints = (UNTIE, targets.heads or shared), (BOTH, shared and not targets.heads), (NEW, strays)
        raise Refused(told, hint="; ".join(hint for hint, needed in hints if needed))


def _operands(parts: Sequence[Part]) -> list[Part]:
    """The adapters that are on."""
    names = [name for name, _, _ in parts]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise WrongUsage(f"{', '.join(twice)} is named more than once", hint="name each once, with its whole weight")
    for name, adapter, weight in parts:
        if not math.isfinite(weight):
            raise WrongUsage(f"the weight of {name} is {weight}", hint="a weight is a finite number")
        if weight:
            _finite(name, adapter)
    on = [part for part in parts if part[2]]
    if not on:
        raise WrongUsage("nothing to fuse: every weight is 0", hint="give at least one adapter a weight other than 0")
    return on


def _finite(name: str, adapter: Adapter) -> None:
    """`Refused` where a number of an adapter is none."""
    kinds = {"magnitudes": adapter.magnitudes, "shifts": adapter.shifts, "biases": adapter.biases}
    tensors = [(module, one) for kind in (*kinds.values(), adapter.tensors) for module, one in kind.items()]
    tensors += [(module, one) for module, delta in adapter.deltas.items() for one in (delta.A, delta.B)]
    tensors += [(module, gain.vector) for module, gain in adapter.gains.items()]
    tensors += [(module, rows.values) for module, rows in adapter.rows.items()]
    broken = [
        module
        for module, one in tensors
        if one.numel() and not one.is_meta and not all(map(torch.isfinite, one.aminmax()))
    ]
    if broken:
        raise Refused(
            f"{name}: NaN or infinity at {sentence(dict.fromkeys(broken))}",
            hint="the adapter is broken: take an earlier state of its training",
        )


def _lines(*faults: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{name}: {text}" for one in faults for name, texts in one.items() for text in fold(texts))


def _notes(targets: Targets) -> Iterator[str]:
    for name, texts in targets.left.items():
        yield from (f"{name}: {text}" for text in texts)
    for name, texts in targets.shared.items():
        yield from (f"{name}: {text}: both change" for text in texts)
    if targets.added:
        yield (
            f"{', '.join(sorted(targets.added))}: new in this checkpoint; config.json is the base's and does not speak "
            "of it: load the result with the class that has it, or change `architectures` and the labels there"
        )
    if stale := targets.base.stale:
        yield f"left out, since they hold the base's weights as they were: {', '.join(stale)}"
    if odd := targets.base.odd:
        yield f"left out, since they are no files, or links that lead to none: {', '.join(odd)}"

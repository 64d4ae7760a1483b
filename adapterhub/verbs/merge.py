"""`merge`: several adapters into a new entry, with its parents, its recipe and the error of its arithmetic."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.compose.methods import METHODS
from adapterhub.compose.recipe import Recipe
from adapterhub.document import Document
from adapterhub.finding import Finding
from adapterhub.manifest import Parent
from adapterhub.reference import Reference
from adapterhub.verbs.add import Request, add
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.operands import agreed, apart, operands, pin_of, place_of
from adapterhub.verbs.shown import Shown
from adapterhub.verbs.subject import Subject

if TYPE_CHECKING:
    from torch import Tensor

    from adapterhub.compose.merging.merge import Merged
    from adapterhub.compose.merging.plan import Step
    from adapterhub.formats.safetensors_write import Raw
    from adapterhub.lora.adapter import Adapter

__all__ = ["MergePlan", "ModulePlan", "merge", "merge_plan"]

SERVED = 16
"""vLLM serves adapters up to this rank unless it is told `--max-lora-rank`."""

Progress = Callable[[int, int], None]


class ModulePlan(Document):
    """What happens in one module: (out, in) of the change, what meets there, and the largest rank of the result."""

    module: str
    shape: tuple[int, int]
    method: str
    ranks: tuple[int, ...]
    weights: tuple[float, ...]
    rank: int


class MergePlan(Document):
    """What a merge would do. `name` is what the result would be called, where that was asked.

    `exact`: nothing is cut, so the error is that of one rounding into fp32. `parameters`: how many numbers at most.
    """

    method: str
    rank: int
    exact: bool
    parameters: int
    operands: tuple[dict[str, object], ...]
    modules: tuple[ModulePlan, ...]
    name: str = ""
    findings: tuple[Finding, ...] = ()


def merge_plan(desk: Desk, recipe: Recipe, name: str | None = None) -> MergePlan:
    """What would be merged; every mistake is found in the headers, nothing is computed and nothing written."""
    target = desk.target(name) if name is not None else None
    parents = operands(desk, recipe)
    recipe = _choosing(recipe, parents)
    steps = _steps(recipe, parents)
    rows: tuple[dict[str, object], ...] = tuple(
        {"reference": one.label, "weight": asked.weight, "rank": one.facts.rank, "digest": one.digest}
        for one, asked in zip(parents, recipe.adapters, strict=True)
    )
    return MergePlan(
        method=recipe.method,
        rank=max(step.rank for step in steps),
        exact=all(METHODS[step.method].seen == "factors" and step.limit.none for step in steps),
        parameters=sum(step.rank * sum(step.shape) for step in steps),
        operands=rows,
        modules=tuple(_module(step) for step in steps),
        name=str(target or ""),
        findings=(*apart(parents), *_taken(desk, target), *_large(steps)),
    )


def merge(desk: Desk, recipe: Recipe, name: str, progress: Progress | None = None) -> Shown:
    """A new entry with its parents, its recipe, and the base all parents agree on."""
    from adapterhub.compose.merging.carry import carry
    from adapterhub.compose.merging.meet import meet
    from adapterhub.compose.merging.merge import merge as run
    from adapterhub.compose.merging.merge import relative_error
    from adapterhub.lora.load import load

    desk.target(name)
    parents = operands(desk, recipe)
    recipe = _choosing(recipe, parents)
    steps = _steps(recipe, parents)
    adapters = meet([load(one.entry, one.label) for one in parents])
    results: dict[str, Merged] = {}
    for step, result in run(steps, [adapter.deltas for adapter in adapters]):
        results[step.module] = result
        if progress:
            progress(len(results), len(steps))
    error = relative_error(results.values())
    with tempfile.TemporaryDirectory() as folder:
        _write(results, adapters, carry(recipe, adapters), Path(folder), parents)
        answer = add(desk, Path(folder), name, _request(recipe, parents))
    return answer.model_copy(
        update={
            "relative_error": error,
            "errors": {module: relative_error([result]) for module, result in results.items()},
            "findings": (*answer.findings, *apart(parents), *_large(steps)),
        }
    )


def _choosing(recipe: Recipe, parents: Sequence[Subject]) -> Recipe:
    """The recipe, the chosen adapter named as it stands there."""
    place = place_of(None, recipe, parents)
    return recipe if place is None else recipe.model_copy(update={"choose": recipe.adapters[place].adapter})


def _steps(recipe: Recipe, parents: Sequence[Subject]) -> "list[Step]":
    """The plan, from headers alone; what cannot be merged is refused here."""
    from adapterhub.compose.merging.meet import meet
    from adapterhub.compose.merging.plan import plan
    from adapterhub.lora.load import load, outline

    outlines = [outline(one.entry, one.label) for one in parents]
    if sum(bool(one.tensors) for one in outlines) > 1:  # whether they carry the same, only the values tell
        outlines = [load(one.entry, one.label) for one in parents]
    return plan(recipe, meet(outlines))


def _module(step: "Step") -> ModulePlan:
    return ModulePlan(
        module=step.module,
        shape=step.shape,
        method=step.method,
        ranks=tuple(term.rank for term in step.terms),
        weights=tuple(term.weight for term in step.terms),
        rank=step.rank,
    )


def _request(recipe: Recipe, parents: Sequence[Subject]) -> Request:
    weights = [asked.weight for asked in recipe.adapters]
    return Request(
        parents=tuple(Parent(digest=one.digest, weight=weight) for one, weight in zip(parents, weights, strict=True)),
        recipe=_kept(recipe),
        pin=agreed([pin_of(one) for one in parents]),
        cards=tuple(sorted({card for one in parents for card in one.entry.cards})),
    )


def _kept(recipe: Recipe) -> dict[str, Any]:
    """The recipe as the manifest keeps it: parents by their place, a seed only where something is drawn."""
    seeded = any(METHODS[name].seeded for name in _methods(recipe))
    fields = {name: value for name, value in recipe.plain().items() if name != "adapters"}
    fields["seed"] = recipe.seed if seeded else None
    if recipe.choose:
        fields["choose"] = [one.adapter for one in recipe.adapters].index(recipe.choose)
    weights = {str(place): dict(one.modules) for place, one in enumerate(recipe.adapters) if one.modules}
    return {name: value for name, value in {**fields, "modules": weights}.items() if value not in (None, {}, [], ())}


def _methods(recipe: Recipe) -> Iterator[str]:
    return (how.method or recipe.method for how in (recipe, *recipe.rules))


def _write(
    results: "Mapping[str, Merged]",
    adapters: "Sequence[Adapter]",
    carried: "Adapter",
    folder: Path,
    parents: Sequence[Subject],
) -> None:
    """The merged adapter as a PEFT folder, with what its parents agree on."""
    from adapterhub.formats.peft_write import Beside, Factors, write

    forms = {module: delta.form for adapter in adapters for module, delta in adapter.deltas.items()}
    shifts = {module: shift.numpy() for module, shift in carried.shifts.items()}
    factors = {
        module: Factors(one.A.numpy(), one.B.numpy(), forms[module].kind, forms[module].kernel, shifts.get(module))
        for module, one in results.items()
    }
    beside = Beside(
        {module: _raw(bias) for module, bias in carried.biases.items()},
        {path: _raw(tensor) for path, tensor in carried.tensors.items()},
        {module: (rows.indices, _raw(rows.values)) for module, rows in carried.rows.items()},
    )
    facts = [parent.facts for parent in parents]
    # On GPT-2's Conv1D layers peft wants to be told that the weight lies the other way round.
    turned = {"fan_in_fan_out": True} if any(one.details.get("fan_in_fan_out") for one in facts) else {}
    base_name, task = agreed([one.base_name for one in facts]), agreed([one.task for one in facts])
    write(factors, folder, beside=beside, base_name=base_name, task=task, fields=turned)


def _raw(tensor: "Tensor") -> "Raw":
    """A tensor that is carried as it is, in its own type."""
    import torch

    from adapterhub.formats.safetensors_write import NAMES, Raw

    data = tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    return Raw(NAMES[str(tensor.dtype).removeprefix("torch.")], tuple(tensor.shape), data)


def _taken(desk: Desk, target: Reference | None) -> Iterator[Finding]:
    """A version that is there already can only be the same again."""
    if target is None or target.pin is None:
        return
    names = desk.store.names
    there = names.version(target.name, target.pin) or names.removed(target.name, target.pin)
    if there or target.pin in names.aliases(target.name):
        yield Finding(
            check="name-taken",
            severity="warning",
            place=str(target),
            message=f"{target.pin} is {'a version' if there else 'an alias'} of {target.name} already",
            remedy="leave the version out, unless the merge makes the same bytes again",
        )


def _large(steps: "Sequence[Step]") -> Iterator[Finding]:
    """A rank that servers do not take unless they are told to."""
    rank, most = max(step.rank for step in steps), max(term.rank for step in steps for term in step.terms)
    if rank > max(SERVED, most):
        yield Finding(
            check="rank-large",
            severity="info",
            place="rank",
            message=f"rank {rank} is more than any parent's ({most}); vLLM serves up to {SERVED} unless told otherwise",
            remedy=f"--rank {most} cuts it, and says what that loses",
        )

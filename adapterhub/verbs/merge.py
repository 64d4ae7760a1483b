"""`merge`: several adapters into a new entry, with its parents, its recipe and the error of its arithmetic."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adapterhub.base.fold import sentence
from adapterhub.compose.recipe import Recipe
from adapterhub.finding import Finding
from adapterhub.verbs.add import add
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.gate import gate_together
from adapterhub.verbs.merge_plan import Prepared, prepare
from adapterhub.verbs.operands import agreed
from adapterhub.verbs.shown import Shown
from adapterhub.verbs.taken import insist_on_free

if TYPE_CHECKING:
    from adapterhub.compose.merging.merge import Merged
    from adapterhub.lora.adapter import Adapter

__all__ = ["Progress", "merge"]

Progress = Callable[[int, int], None]


def merge(desk: Desk, recipe: Recipe, name: str, progress: Progress | None = None, *, misfit: bool = False) -> Shown:
    """A new entry with its parents, its recipe, and the base all parents agree on.

    An adapter that has no place in the base another is pinned to is refused, unless `misfit` allows it.
    """
    from adapterhub.compose.merging.meet import meet
    from adapterhub.compose.merging.merge import merge as run
    from adapterhub.compose.merging.merge import relative_error
    from adapterhub.lora.load import load_all

    target, ready = desk.target(name), prepare(desk, recipe)
    insist_on_free(desk, target, ready.request)
    gate_together(desk, [one.label for one in ready.parents], misfit=misfit)
    adapters = meet(load_all([(one.entry, one.label) for one in ready.parents]))
    results: dict[str, Merged] = {}
    for step, result in run(ready.steps, [adapter.deltas for adapter in adapters]):
        results[step.module] = result
        if progress:
            progress(len(results), len(ready.steps))
    with tempfile.TemporaryDirectory() as folder:
        _write(_united(ready.recipe, adapters, results), Path(folder), ready)
        answer = add(desk, Path(folder), name, ready.request)
    empty = tuple(_emptied(results, ready))
    known = (one for one in answer.findings if not (empty and one.check == "untrained"))  # it has another reason
    return answer.model_copy(
        update={
            "relative_error": relative_error(results.values()),
            "errors": {module: relative_error([result]) for module, result in results.items()},
            "findings": (*empty, *known, *ready.findings),
        }
    )


def _united(recipe: Recipe, adapters: "Sequence[Adapter]", results: "Mapping[str, Merged]") -> "Adapter":
    """The merged factors, each a change of the kind it was, and all that is carried."""
    from adapterhub.compose.merging.carry import carry
    from adapterhub.lora.delta import Delta

    forms = {module: delta.form for adapter in adapters for module, delta in adapter.deltas.items()}
    deltas = {module: Delta(one.A, one.B, form=forms[module]) for module, one in results.items()}
    return replace(carry(recipe, adapters), deltas=deltas)


def _write(merged: "Adapter", folder: Path, ready: Prepared) -> None:
    """The merged adapter as a PEFT folder, with what its parents agree on."""
    from adapterhub.lora.save import save

    facts = [parent.facts for parent in ready.parents]
    fields = {
        "base_model_name_or_path": agreed([one.base_name for one in facts]),
        "task_type": agreed([one.task for one in facts]),
        # On GPT-2's Conv1D layers peft wants to be told that the weight lies the other way round.
        "fan_in_fan_out": any(one.details.get("fan_in_fan_out") for one in facts),
    }
    save(merged, folder, fields)


def _emptied(results: "Mapping[str, Merged]", ready: Prepared) -> Iterator[Finding]:
    """Modules of which a method that drops has left nothing: what is wanted there is 0, and so is its error."""
    if empty := [step for step in ready.steps if results[step.module].emptied]:
        where, first = sentence(step.module for step in empty), empty[0]
        kept = f"{first.method} keeps at density {first.params['density']:g}"
        yield Finding(
            check="nothing-kept",
            severity="warning",
            place="density",
            message=f"{where}: the result is 0, since nothing of what {kept} is left when all are added",
            remedy="keep more of each (--set density=0.5), unless they are meant to cancel",
        )

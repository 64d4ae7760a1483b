"""Merging: our arithmetic over the whole model beside peft's `add_weighted_adapter` over one block or all of them."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adapterhub.compose.merging.merge import Merged
from adapterhub.compose.merging.merge import merge as run
from adapterhub.compose.merging.plan import plan
from adapterhub.compose.recipe import of_expression
from adapterhub.hub import Hub
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.load import load
from benchmarks.composing.models import activate, base_model, four, one_block, with_peft
from benchmarks.composing.scene import EXPRESSION, NAMES, RANKS, Scene
from benchmarks.measure import interleaved, seconds

DENSITY = 0.2
RANK = 16


def whole(runs: int, *words: Any) -> dict[str, float]:
    """Seconds of the whole model: the arithmetic alone, and with reading, verifying, writing and keeping."""
    scene = Scene.of(*words)
    read = adapters(scene)
    count = iter(range(10**6))

    def verb(method: str, **how: Any) -> Callable[[], object]:
        return lambda: Hub.open(scene.store).merge(EXPRESSION, f"ada/{method}{next(count)}", method, **how)

    return interleaved(
        {
            "svd": lambda: merged(read, "svd", rank=RANK),
            "sum": lambda: merged(read, "sum"),
            "hub svd": verb("svd", rank=RANK),
            "hub sum": verb("sum"),
        },
        runs,
    )


def cat(runs: int, *words: Any) -> float:
    """Seconds of peft's `cat` over the whole model, its adapters loaded already."""
    scene = Scene.of(*words)
    held = with_peft(base_model(scene), four(scene))

    def forget() -> None:
        held.delete_adapter("result")

    return interleaved({"cat": lambda: weigh(held, "cat")}, runs, forget)["cat"]


def block(runs: int, *words: Any) -> dict[str, float]:
    """Seconds of one block: ours by the median, peft's once; and how far the results are apart."""
    scene = Scene.of(*words)
    first = [
        Adapter({name: delta for name, delta in one.deltas.items() if ".layers.0." in name}) for one in adapters(scene)
    ]
    ways: dict[str, dict[str, Any]] = {"svd": {}, "ties": {"set": {"density": DENSITY}}}
    found: dict[str, dict[str, Merged]] = {}

    def ours(method: str) -> Callable[[], None]:
        return lambda: found.update({method: merged(first, method, rank=RANK, **ways[method])})

    told = {f"ours {name}": time for name, time in interleaved({name: ours(name) for name in ways}, runs).items()}
    with tempfile.TemporaryDirectory(dir=scene.folder) as folder:
        held = with_peft(*one_block(scene, Path(folder)))
        for name, kind, more in (("svd", "svd", {}), ("ties", "ties_svd", {"density": DENSITY})):
            told[f"peft {name}"] = seconds(partial(weigh, held, kind, svd_rank=RANK, **more))
            told[f"apart {name}"] = apart(found[name], held)
            held.delete_adapter("result")
    return told


def adapters(scene: Scene) -> list[Adapter]:
    """The four, verified and in memory."""
    hub = Hub.open(scene.store)
    return [load(hub.desk.find(name)[1], name) for name in NAMES]


def merged(read: Sequence[Adapter], method: str, **how: Any) -> dict[str, Merged]:
    """The four by a method, as the verb does it."""
    steps = plan(of_expression(EXPRESSION, method=method, **how), read)
    return {step.module: result for step, result in run(steps, [one.deltas for one in read])}


def weigh(held: Any, kind: str, **how: Any) -> None:
    """The same by peft."""
    activate(held, list(RANKS))
    held.add_weighted_adapter(list(RANKS), [1.0] * len(RANKS), "result", combination_type=kind, **how)


def apart(ours: Mapping[str, Merged], held: Any) -> float:
    """‖ours − peft's‖ / ‖peft's‖ over a block."""
    squares: list[tuple[Tensor, Tensor]] = []
    for module, result in ours.items():
        dense = held.base_model.model.get_submodule(module).get_delta_weight("result").double()
        squares.append((((result.B.double() @ result.A.double() - dense) ** 2).sum(), (dense**2).sum()))
    missed, wanted = (torch.stack(one).sum() for one in zip(*squares, strict=True))
    return float((missed / wanted).sqrt())

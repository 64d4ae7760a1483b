"""Attaching: four adapters from their files onto a live model, beside peft's loading of the same four."""

from typing import Any

from adapterhub.hub import Hub
from benchmarks.composing.models import base_model, four, twin, with_peft
from benchmarks.composing.scene import EXPRESSION, Scene
from benchmarks.measure import interleaved


def attach(runs: int, *words: Any) -> dict[str, float]:
    """Seconds from a plain model and files to a model that answers with four adapters."""
    scene = Scene.of(*words)
    base, hub = base_model(scene), Hub.open(scene.store)
    fresh = [twin(base)]
    stacks: list[Any] = []

    def again() -> None:
        for stack in stacks:
            stack.__exit__(None, None, None)
        stacks.clear()
        fresh[:] = [twin(base)]

    return interleaved(
        {
            "ours": lambda: stacks.append(hub.stack(fresh[0], EXPRESSION).__enter__()),
            "peft": lambda: with_peft(fresh[0], four(scene)),
            "peft, low_cpu_mem_usage": lambda: with_peft(fresh[0], four(scene), low_cpu_mem_usage=True),
        },
        runs,
        again,
    )

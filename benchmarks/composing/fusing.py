"""Fusing: four adapters into a checkpoint, beside copying the base and beside peft's merge_and_unload and save."""

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapterhub.hub import Hub
from benchmarks.composing.scene import EXPRESSION, NAMES, RANKS, Scene
from benchmarks.measure import interleaved, ours, peak, run, seconds


def fuse(runs: int, *words: Any) -> dict[str, float]:
    """Seconds of fusing here and as a process, and of copying; all end with the bytes on the disk."""
    scene = Scene.of(*words)
    target = scene.folder / "fused"
    return interleaved(
        {
            "here": lambda: Hub.open(scene.store).fuse(EXPRESSION, scene.base, target),
            "process": lambda: run(command(scene, target)),
            "copy": lambda: copy(scene.base, target),
        },
        runs,
        lambda: shutil.rmtree(target),
    )


def memory(scene: Scene) -> float:
    """The most a process holds that fuses, in MB."""
    target = scene.folder / "fused"
    try:
        return peak(command(scene, target))
    finally:
        shutil.rmtree(target)


def unload(*words: Any) -> dict[str, float]:
    """Seconds of peft with its adapters loaded already, once; and how far both results are from the exact one."""
    from benchmarks.composing.models import activate, base_model, four, with_peft

    scene = Scene.of(*words)
    held = activate(with_peft(base_model(scene), four(scene)), list(RANKS))
    target = scene.folder / "unloaded"
    done: list[Any] = []
    told = {"merge": seconds(lambda: done.append(held.merge_and_unload()))}
    told["save"] = seconds(lambda: saved(done[0], target))
    Hub.open(scene.store).fuse(EXPRESSION, scene.base, scene.folder / "fused")
    told |= off(scene, done[0].state_dict())
    shutil.rmtree(target)
    shutil.rmtree(scene.folder / "fused")
    return told


def command(scene: Scene, target: Path) -> list[str]:
    """What a person would type."""
    return ours("fuse", EXPRESSION, "--base", scene.base, target, "--store", scene.store)


def copy(source: Path, target: Path) -> None:
    """The same."""
    run(["cp", "-r", source, target])
    run(["sync", *sorted(target.iterdir())])


def saved(model: Any, target: Path) -> None:
    """peft's result on the disk."""
    model.save_pretrained(str(target))
    run(["sync", *sorted(target.iterdir())])


def off(scene: Scene, theirs: Mapping[str, Any]) -> dict[str, float]:
    """‖result − exact‖ / ‖exact − base‖ in the first block, in float64, of our result and of peft's."""
    from adapterhub.lora.load import load

    before, ours = block(scene.base), block(scene.folder / "fused")
    exact = {name: weight.double() for name, weight in before.items()}
    hub = Hub.open(scene.store)
    for name in NAMES:
        for module, delta in load(hub.desk.find(name)[1], name).deltas.items():
            if f"{module}.weight" in exact:
                exact[f"{module}.weight"] += delta.scale * (delta.B.double() @ delta.A.double())
    changed = distance(before, exact)
    return {"ours off": distance(ours, exact) / changed, "peft off": distance(theirs, exact) / changed}


def block(folder: Path) -> dict[str, Any]:
    """The tensors of the first block of a checkpoint."""
    from safetensors import safe_open

    found: dict[str, Any] = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(str(file), "pt") as opened:
            names = [name for name in opened.offset_keys() if ".layers.0." in name]
            found |= {name: opened.get_tensor(name) for name in names}
    return found


def distance(some: Mapping[str, Any], exact: Mapping[str, Any]) -> float:
    """‖some − exact‖ over the tensors of `exact`."""
    return math.sqrt(sum(float(((some[name].double() - one.double()) ** 2).sum()) for name, one in exact.items()))

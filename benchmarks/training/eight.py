"""Weights in eight bits: what the models that were trained in full on turned digits are still worth."""

from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.measure import apart
from benchmarks.training.arms import Problem
from benchmarks.training.digits import VIT, problem
from benchmarks.training.sizes import Sizes

__all__ = ["compressed", "measure"]


def measure(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Test accuracy in fp32 and in int8 and the bytes of both: means over seeds."""
    asked = problem(folder, "vit", "turned", sizes)
    rate = asked.searched(VIT[-1])["best"]["lr"]
    found = [_one(asked, seed, rate) for seed in range(sizes.seeds)]
    return {name: fmean(one[name] for one in found) for name in found[0]}


def _one(asked: Problem, seed: int, rate: float) -> Any:
    config = asked.asked(VIT[-1], f"seed{seed}", seed, rate)
    made = asked.run(config)
    words = (asked.store, made["reference"], f"bench/int8-{seed}", str(asked.test))
    return asked.once(
        f"int8-{seed}",
        {"config": config, "reference": made["reference"]},
        lambda: apart(f"{__name__}:compressed", *words),
    )


def compressed(store: str, reference: str, name: str, test: str) -> dict[str, float]:
    """A model, and the same in eight bits, on test rows: `compress` measures the files of both."""
    from adapterhub.hub import Hub

    made = Hub.open(store).compress(reference, name, quantize="int8", data=Path(test))
    return {
        "fp32": made.before["accuracy"],
        "int8": made.metrics["accuracy"],
        "bytes_before": made.bytes_before,
        "bytes_after": made.bytes_after,
    }

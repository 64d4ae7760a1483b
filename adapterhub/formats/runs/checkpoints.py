"""The checkpoints a Trainer leaves in its folder: which one did best, and which one the folder's weights are.

checkpoint-300/adapter_model.safetensors
checkpoint-300/trainer_state.json      best_model_checkpoint, best_global_step, global_step, log_history
"""

import json
import re
from collections.abc import Iterable
from filecmp import cmp
from pathlib import Path
from typing import Any

__all__ = ["LARGEST", "STATE", "best_of", "best_step", "holds_the_best", "log_of_checkpoint"]

STATE = "trainer_state.json"

LARGEST = 8 << 20
"""Bytes of a log."""

CHECKPOINT = re.compile(r"checkpoint-(\d{1,15})")


def log_of_checkpoint(folder: Path, names: Iterable[str]) -> Path | None:
    """The Trainer's log in the latest of these checkpoints whose weights are the folder's, if one has them.

    axolotl, and whoever calls `save_model` and not `save_state`, leave it nowhere else.
    """
    numbers = {name: int(found[1]) for name in names if (found := CHECKPOINT.fullmatch(name))}
    for name in sorted(numbers, key=lambda name: -numbers[name]):
        if _same_weights(folder, folder / name) and _is_own(folder / name / STATE):
            return folder / name / STATE
    return None


def holds_the_best(folder: Path, state: Any) -> bool:
    """Whether the folder's weights are those of the best checkpoint.

    A Trainer that was told to load them at the end leaves no word about that. So: a checkpoint is itself; where the
    best one still lies in the folder, its bytes tell; where it is gone, it is believed, for who asks which one was
    best mostly wants that.
    """
    name = _best_checkpoint(state)
    if not name or CHECKPOINT.fullmatch(folder.name):
        return False
    return _same_weights(folder, folder / name) is not False


def best_of(folder: Path, names: Iterable[str]) -> str:
    """Which of these folders did best, as the latest trainer_state.json in the folder or in one of them says."""
    there = list(names)
    states = [state for place in (".", *there) if (state := _state(folder / place / STATE))]
    best = _best_checkpoint(max(states, key=_step, default={}))
    return best if best in there else ""


def best_step(state: Any) -> int | None:
    """The step that did best."""
    number = CHECKPOINT.fullmatch(_best_checkpoint(state))
    step = state.get("best_global_step") if isinstance(state, dict) else None
    return step if isinstance(step, int) and step else int(number[1]) if number else None


def _best_checkpoint(state: Any) -> str:
    path = state.get("best_model_checkpoint") if isinstance(state, dict) else None
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] if isinstance(path, str) else ""


def _step(state: dict[str, Any]) -> int:
    step = state.get("global_step")
    return step if isinstance(step, int) else 0


def _state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_bytes()) if _is_own(path) and path.stat().st_size <= LARGEST else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) else {}


def _same_weights(one: Path, other: Path) -> bool | None:
    """Whether two folders hold the same adapter; None where that cannot be told."""
    for weights in sorted(one.glob("adapter_model*.safetensors")):
        if weights.is_file() and _is_own(other / weights.name):
            return cmp(weights, other / weights.name, shallow=False)
    return None


def _is_own(path: Path) -> bool:
    """Whether a file lies where it seems to: a link is not followed, neither is one to its folder."""
    return path.is_file() and not path.is_symlink() and not path.parent.is_symlink()

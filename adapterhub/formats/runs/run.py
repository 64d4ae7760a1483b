"""A run as its folder tells it: what was measured, what it cost, how it was configured.

All of it is said by others and may be told better tomorrow, so it goes into notes, and no digest hangs on it.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from adapterhub.formats.folder import CONFIGS
from adapterhub.formats.runs import card as cards
from adapterhub.formats.runs.checkpoints import STATE
from adapterhub.formats.runs.portable import portable
from adapterhub.formats.runs.results import cost_of, metrics_of, standard
from adapterhub.formats.runs.texts import Texts, parse_config

__all__ = ["Run", "run_of"]

STATED = ("max_steps", "num_train_epochs", "train_batch_size")
"""The settings a trainer_state.json repeats."""


@final
@dataclass(frozen=True)
class Run:
    """What a folder says about the training that made it.

    `training` has the fields of a manifest's, as far as they are known: tool, config, seed, versions.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


def run_of(folder: Path, texts: Texts) -> Run:
    """The run, from the texts of a folder."""
    metrics = {**standard(cards.results(texts.card)), **metrics_of(folder, texts.logs)}
    return Run(metrics, cost_of(texts.logs), _training(texts))


def _training(texts: Texts) -> dict[str, Any]:
    """Who trained and how; nothing where nobody tells."""
    tool, config = _given(texts)
    state = texts.logs.get(STATE)
    stated = {name: state[name] for name in STATED if name in state} if isinstance(state, dict) else {}
    listed = {**stated, **cards.hyperparameters(texts.card)}
    tool = tool or cards.tool_of(texts.card) or ("transformers" if listed else "")
    if not tool:
        return {}
    config = config or portable(listed)
    versions = portable(cards.versions(texts.card))
    if version := cards.axolotl_config(texts.card)[1]:
        versions["axolotl"] = version
    seed = config.get("seed")
    said = {"tool": tool, "config": config, "seed": seed if isinstance(seed, int) else None, "versions": versions}
    return {name: value for name, value in said.items() if value not in (None, {})}


def _given(texts: Texts) -> tuple[str, dict[str, Any]]:
    """The config as somebody gave it to a tool, and the tool."""
    for name, config in texts.config.items():
        return CONFIGS[name], config
    text, _ = cards.axolotl_config(texts.card)
    if text:
        with suppress(ValueError, RecursionError):
            return "axolotl", parse_config(text)
        return "axolotl", {}
    return "", {}

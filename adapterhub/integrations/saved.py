"""A live model as the folder of an entry: the same bytes for the same weights, on every machine."""

import json
from pathlib import Path
from typing import Any

from adapterhub.errors import Refused
from adapterhub.formats.peft_parts import CONFIG
from adapterhub.formats.runs.checkpoints import STATE

__all__ = ["is_adapter", "save", "write_state"]

SETS = ("target_modules", "exclude_modules")
"""Fields of PEFT's config that are sets, and are written in the order of this process."""


def is_adapter(model: Any) -> bool:
    """Whether PEFT has put an adapter into the model."""
    return hasattr(model, "peft_config")


def save(folder: Path, model: Any, tokenizer: Any, base_name: str) -> None:
    """Write the model and its tokenizer into an empty folder; `Refused` where weights are spread over processes."""
    _insist_on_whole(model)
    model.save_pretrained(folder)
    if hasattr(tokenizer, "save_pretrained"):
        tokenizer.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # an empty form of PEFT's, with the path of the base in it
    if is_adapter(model):
        _canonical(folder / CONFIG, base_name)


def write_state(folder: Path, state: Any) -> None:
    """The Trainer's log, beside the weights."""
    state.save_to_json(str(folder / STATE))


def _canonical(path: Path, base_name: str) -> None:
    config = json.loads(path.read_text())
    for field in SETS:
        if isinstance(config.get(field), list):
            config[field] = sorted(config[field])
    config["base_model_name_or_path"] = base_name or None
    path.write_text(json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def _insist_on_whole(model: Any) -> None:
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and (hasattr(parameter, "device_mesh") or hasattr(parameter, "ds_id")):
            raise Refused(
                f"{name} is spread over processes, and this callback runs in one",
                hint="let the Trainer gather and save the model (trainer.save_model), then add its folder",
            )

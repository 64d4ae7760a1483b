"""A PEFT folder as everybody can read it, and the same bytes for the same weights.

What PEFT itself writes has the order of a set in its config, the path of the machine's base, a file only its owner can
read, and a card nobody asked for. Fields at PEFT's own defaults are left out, so that an older PEFT can read it too.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adapterhub.formats.peft_parts import CONFIG, WEIGHTS
from adapterhub.formats.safetensors_write import NAMES, Raw, Room, header
from adapterhub.formats.safetensors_write import write as write_tensors
from adapterhub.train.methods.inject import Injected
from adapterhub.train.quiet import peft

__all__ = ["file_bytes", "raw", "save", "tensors"]

ALWAYS = {
    "alpha_pattern", "bias", "fan_in_fan_out", "init_lora_weights", "lora_alpha", "lora_dropout", "r", "rank_pattern",
    "revision", "use_dora", "use_rslora", "save_projection", "projection_prng_key", "d_initial", "vera_dropout",
}  # fmt: skip
"""Fields that stand there though they are PEFT's defaults: other readers look for them."""


def tensors(injected: Injected) -> dict[str, Tensor]:
    """All that is trained, under the names it has in a file."""
    state: dict[str, Tensor] = peft().get_peft_model_state_dict(injected.outer, save_embedding_layers=False)
    return state


def file_bytes(state: Mapping[str, Tensor]) -> int:
    """The size of a file that holds these tensors, header and all; none of them is read."""
    sizes = {name: tensor.numel() * tensor.element_size() for name, tensor in state.items()}
    rooms = {name: Room(_kind(tensor), tuple(tensor.shape), sizes[name]) for name, tensor in state.items()}
    return len(header(rooms, {"format": "pt"})[0]) + sum(sizes.values())


def save(
    injected: Injected, folder: Path, base: str, *, state: Mapping[str, Tensor] | None = None, **fields: Any
) -> None:
    """Write the two files; `state` and `fields` stand in place of what is in the model and its config."""
    folder.mkdir(parents=True, exist_ok=True)
    state = tensors(injected) if state is None else state
    write_tensors({name: raw(tensor) for name, tensor in state.items()}, folder / WEIGHTS)
    config = {**_plain(injected.config), **injected.fields, "base_model_name_or_path": base, **fields}
    text = json.dumps(config, indent=2, sort_keys=True, allow_nan=False)
    (folder / CONFIG).write_text(text + "\n", "utf-8")


def _plain(config: Any) -> dict[str, Any]:
    usual, found = type(config)().to_dict(), config.to_dict()
    kept = {name: value for name, value in found.items() if name in ALWAYS or value != usual[name]}
    return {**kept, "peft_type": config.peft_type.value, "inference_mode": True}


def raw(tensor: Tensor) -> Raw:
    """A tensor as it is stored."""
    flat = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
    return Raw(_kind(tensor), tuple(tensor.shape), flat.numpy().tobytes())


def _kind(tensor: Tensor) -> str:
    """The type of a tensor as the format spells it."""
    return NAMES[str(tensor.dtype).removeprefix("torch.")]

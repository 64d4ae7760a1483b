"""Live models for all parts: the base once, and as many twins of it as are needed, which share its weights."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import PeftModel

from benchmarks.composing.scene import RANKS, Scene


def base_model(scene: Scene) -> Any:
    """The base in bf16, its pages read."""
    model = transformers.AutoModelForCausalLM.from_pretrained(str(scene.base), dtype=torch.bfloat16).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
        parameter.data = parameter.data.clone()
    return model


def twin(model: Any) -> Any:
    """Another model over the same weights."""
    shared = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(tensor): tensor for tensor in shared})


def with_peft(model: Any, folders: dict[str, Path], **how: Any) -> Any:
    """A model in peft's hands with adapters from folders; the first is active."""
    (first, folder), *others = folders.items()
    held = PeftModel.from_pretrained(model, str(folder), adapter_name=first, **how)
    for name, folder in others:
        held.load_adapter(str(folder), name, **how)
    return held.eval()


def four(scene: Scene) -> dict[str, Path]:
    """The four adapters by name."""
    return {name: scene.adapter(name) for name in RANKS}


def activate(held: Any, names: Sequence[str]) -> Any:
    """Several adapters at once, none of them to be trained."""
    held.base_model.set_adapter(list(names), inference_mode=True)
    return held


def one_block(scene: Scene, folder: Path) -> tuple[Any, dict[str, Path]]:
    """A model of the first block alone, in fp32, and what the four adapters do to it, in new folders."""
    from safetensors.torch import load_file, save_file

    config = Scene(folder, scene.shape).shape.config(dtype="float32")
    config.num_hidden_layers, config.vocab_size = 1, 64
    folders = {}
    for name, source in four(scene).items():
        folders[name] = folder / name
        folders[name].mkdir(parents=True)
        tensors = load_file(str(source / "adapter_model.safetensors"))
        save_file(
            {key: tensor for key, tensor in tensors.items() if ".layers.0." in key},
            str(folders[name] / "adapter_model.safetensors"),
            metadata={"format": "pt"},
        )
        (folders[name] / "adapter_config.json").write_text((source / "adapter_config.json").read_text())
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config)
    return model.to_empty(device="cpu"), folders

"""Tiny transformers with random weights, and adapters that peft wrote for them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peft
import torch
import transformers
from torch import nn

from adapterhub.hub import Hub

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "initializer_range": 0.2,
}
TARGETS = {
    "llama": ["q_proj", "v_proj", "down_proj"],
    "gpt2": ["c_attn", "c_proj", "c_fc"],
    "bert": ["query", "output.dense"],
    "vit": ["q_proj", "fc1", "projection"],
}


MIXTURE = {
    "vocab_size": 32,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "num_experts_per_tok": 2,
    "initializer_range": 0.2,
    "pad_token_id": 0,
}
"""Sizes of a tiny mixture of experts, but that of an expert."""


def tiny(kind: str, **fields: object) -> nn.Module:
    """A seeded model of a family, in eval mode; no bias and no length of a norm is trivial."""
    torch.manual_seed(0)
    model = _model(kind, fields).eval()
    torch.manual_seed(2)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.2)
    return model


def _model(kind: str, fields: dict[str, object]) -> nn.Module:
    text = {"vocab_size": 32, **SIZES, **fields}
    if kind == "llama":
        return transformers.LlamaForCausalLM(transformers.LlamaConfig(num_key_value_heads=1, **text))
    if kind == "gpt2":  # Conv1D: weights stored (in, out)
        config = transformers.GPT2Config(
            n_embd=16,
            n_layer=2,
            n_head=2,
            vocab_size=32,
            n_positions=32,
            bos_token_id=1,
            eos_token_id=1,
            initializer_range=0.2,
        )
        return transformers.GPT2LMHeadModel(config)
    if kind == "bert":
        return transformers.BertForSequenceClassification(transformers.BertConfig(**text))
    config = transformers.ViTConfig(image_size=8, patch_size=4, num_channels=3, **SIZES)
    return transformers.ViTForImageClassification(config)


def ask(model: nn.Module, kind: str) -> torch.Tensor:
    """What the model answers to a fixed batch of three."""
    torch.manual_seed(1)
    dtype = next(model.parameters()).dtype
    if kind == "vit":
        return model(pixel_values=torch.rand(3, 3, 8, 8).to(dtype)).logits
    return model(input_ids=torch.randint(0, 32, (3, 7))).logits


@contextmanager
def quiet() -> Iterator[None]:
    """peft 0.21 warns of tied weights, of biases of B, and asks transformers 5.23 for a name of old."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def theirs(kind: str, folder: Path, **fields: object) -> torch.Tensor:
    """What a model answers with the adapter of a folder, as peft loads it."""
    with quiet(), torch.no_grad():
        return ask(peft.PeftModel.from_pretrained(tiny(kind, **fields), str(folder)).eval(), kind)


def wrapped(kind: str, config: peft.PeftConfig, seed: int = 1, **fields: object) -> peft.PeftModel:
    """A tiny model in peft's hands, as `trained` leaves it."""
    return trained(tiny(kind, **fields), config, seed)


def trained(model: nn.Module, config: peft.PeftConfig, seed: int = 1) -> peft.PeftModel:
    """A model in peft's hands, everything it would train drawn at random."""
    with quiet():
        model = peft.get_peft_model(model, config)
    torch.manual_seed(seed)
    for parameter in model.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.2)
    return model.eval()


def lora(kind: str, **config: object) -> peft.LoraConfig:
    """A config of rank 4 on some layers of a family."""
    fields = {"r": 4, "lora_alpha": 8, "target_modules": TARGETS[kind], **config}
    return peft.LoraConfig(**fields, **({"fan_in_fan_out": True} if kind == "gpt2" else {}))


def adapter(folder: Path, kind: str, seed: int = 1, **config: object) -> Path:
    """A PEFT folder with normal factors, written by peft itself."""
    return saved(wrapped(kind, lora(kind, **config), seed), folder)


def hub_of_two(folder: Path, **how: object) -> Hub:
    """A hub with the adapters ada/sql and ada/chat of a tiny Llama, whose checkpoint lies in folder/base."""
    hub = Hub.open(folder / "store")
    tiny("llama").save_pretrained(folder / "base", **how)
    for seed, name in enumerate(("sql", "chat")):
        hub.add(adapter(folder / name, "llama", seed), f"ada/{name}", base=folder / "base")
    return hub


def saved(model: peft.PeftModel, folder: Path) -> Path:
    """The folder peft writes."""
    with quiet():
        model.save_pretrained(str(folder))
    return folder

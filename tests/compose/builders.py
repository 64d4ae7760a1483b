"""Tiny transformers with random weights, and adapters that peft wrote for them."""

from pathlib import Path

import peft
import torch
import transformers
from torch import nn

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
    "vit": ["q_proj", "fc1"],
}


def tiny(kind: str) -> nn.Module:
    """A seeded model of a family, in eval mode."""
    torch.manual_seed(0)
    text = {"vocab_size": 32, **SIZES}
    if kind == "llama":
        return transformers.LlamaForCausalLM(transformers.LlamaConfig(num_key_value_heads=1, **text)).eval()
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
        return transformers.GPT2LMHeadModel(config).eval()
    if kind == "bert":
        return transformers.BertForSequenceClassification(transformers.BertConfig(**text)).eval()
    config = transformers.ViTConfig(image_size=8, patch_size=4, num_channels=1, **SIZES)
    return transformers.ViTForImageClassification(config).eval()


def ask(model: nn.Module, kind: str) -> torch.Tensor:
    """What the model answers to a fixed batch."""
    torch.manual_seed(1)
    dtype = next(model.parameters()).dtype
    if kind == "vit":
        return model(pixel_values=torch.rand(3, 1, 8, 8).to(dtype)).logits
    return model(input_ids=torch.randint(0, 32, (3, 7))).logits


def adapter(folder: Path, kind: str, seed: int = 1, **config: object) -> Path:
    """A PEFT folder with normal factors, written by peft itself."""
    fields = {"r": 4, "lora_alpha": 8, "target_modules": TARGETS[kind], **config}
    if kind == "gpt2":
        fields["fan_in_fan_out"] = True
    wrapped = peft.get_peft_model(tiny(kind), peft.LoraConfig(**fields))
    torch.manual_seed(seed)
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.2)
    wrapped.save_pretrained(str(folder))
    return folder

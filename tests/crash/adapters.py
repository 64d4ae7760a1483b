"""Tiny PEFT adapters, each with bytes of its own, and what they are made of."""

import hashlib
import json
from pathlib import Path

A, B = "lora_A", "lora_B"
TOKENIZER = b'{"version": "1.0"}'


def weights(seed: int, rank: int = 2, size: int = 4) -> bytes:
    """A safetensors file with one module; the seed makes the bytes."""
    shapes = {A: (rank, size), B: (size, rank)}
    length = 4 * rank * size
    header = {
        f"base_model.model.layers.0.q_proj.{role}.weight": {
            "dtype": "F32",
            "shape": shape,
            "data_offsets": [at * length, (at + 1) * length],
        }
        for at, (role, shape) in enumerate(shapes.items())
    }
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    noise = hashlib.shake_256(str(seed).encode()).digest(2 * length)
    # The top byte of a little-endian F32 is its sign and size: 0x3c keeps every number small and finite.
    small = bytes(0x3C if at % 4 == 3 else byte for at, byte in enumerate(noise))
    return len(text).to_bytes(8, "little") + text + small


def write_adapter(folder: Path, seed: int, *, rank: int = 2, card: str = "") -> Path:
    """A PEFT folder: weights, config, a tokenizer file all adapters share, and a card if one is given."""
    folder.mkdir(parents=True)
    config = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": "tiny",
        "seed": seed,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(weights(seed, rank))
    (folder / "tokenizer.json").write_bytes(TOKENIZER)
    if card:
        (folder / "README.md").write_text(card)
    return folder


def write_base(folder: Path) -> Path:
    """A checkpoint of one layer that the adapters fit."""
    folder.mkdir(parents=True)
    data = bytes(range(64))
    header = {"layers.0.q_proj.weight": {"dtype": "F32", "shape": [4, 4], "data_offsets": [0, len(data)]}}
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "config.json").write_text(json.dumps({"model_type": "tiny", "hidden_size": 4}))
    return folder

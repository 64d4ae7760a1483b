"""Generated PEFT adapters, tiny or huge. Their numbers are noise; their headers are true."""

import json
import os
from pathlib import Path

A, B = "lora_A", "lora_B"
PIECE = 1 << 24


def header(rank: int, size: int, modules: int) -> bytes:
    """The header of a file with so many modules of size × size, in F16."""
    table, at, length = {"__metadata__": {"format": "pt"}}, 0, 2 * rank * size
    for module in range(modules):
        for role, shape in ((A, (rank, size)), (B, (size, rank))):
            name = f"base_model.model.layers.{module}.q_proj.{role}.weight"
            table[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + length]}
            at += length
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def config(rank: int) -> bytes:
    """The config beside it."""
    said = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": ["q_proj"],
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "org/base",
    }
    return json.dumps(said).encode()


def write_noise(folder: Path, size: int) -> Path:
    """An adapter of about `size` bytes of noise, on the disk before anything is measured."""
    folder.mkdir(parents=True)
    width, rank = 4096, 64
    modules = max(1, size // (4 * rank * width))
    (folder / "adapter_config.json").write_bytes(config(rank))
    with (folder / "adapter_model.safetensors").open("wb") as file:
        file.write(header(rank, width, modules))
        left = 4 * rank * width * modules
        while left:
            left -= file.write(os.urandom(min(PIECE, left)))
        os.fsync(file.fileno())
    return folder


def write_hole(folder: Path, size: int) -> Path:
    """An adapter of about `size` bytes, nearly all of them zeros that take no room on the disk."""
    folder.mkdir(parents=True)
    rank = 64
    width = max(64, size // (4 * rank))
    (folder / "adapter_config.json").write_bytes(config(rank))
    with (folder / "adapter_model.safetensors").open("wb") as file:
        start = file.write(header(rank, width, 1))
        for middle in (start, start + 2 * rank * width):  # a number in each factor, so that neither is all zero
            file.seek(middle)
            file.write(b"\x00\x3c")
        file.truncate(start + 4 * rank * width)
    return folder

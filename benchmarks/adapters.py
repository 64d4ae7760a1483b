"""Adapters for measuring: PEFT folders with valid headers and bytes of no meaning."""

import json
import os
import struct
from pathlib import Path

__all__ = ["write_adapter"]


def write_adapter(folder: Path, size: int = 2048, rank: int = 8, seed: int = 0) -> Path:
    """A PEFT folder whose weights have about `size` bytes: one module, F32, factors that are not zero."""
    width = max(1, size // (8 * rank))
    name = f"base_model.model.layers.{seed}.q_proj.lora_"
    header, at = {}, 0
    for part, shape in (("A", (rank, width)), ("B", (width, rank))):
        end = at + 4 * shape[0] * shape[1]
        header[f"{name}{part}.weight"] = {"dtype": "F32", "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "adapter_model.safetensors").open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        block = (seed.to_bytes(8, "little") + os.urandom(4088)) * 256 if size > 1 << 20 else b"\x01" * 4096
        for start in range(0, at, len(block)):
            stream.write(block[: min(len(block), at - start)])
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 16, "target_modules": ["q_proj"], "seed": seed}
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "ada/base"}))
    return folder

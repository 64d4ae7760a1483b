"""Adapters written byte by byte, and the command line run on a store of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

A, B = "lora_A", "lora_B"


def safetensors(tensors: dict[str, tuple[tuple[int, ...], bytes]]) -> bytes:
    """A safetensors file of F32 tensors: name -> (shape, bytes)."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(data for _, data in tensors.values())


def adapter(folder: Path, rank: int = 2, size: int = 4, seed: int = 1, **config: Any) -> Path:
    """A PEFT LoRA folder with two targets, q_proj and v_proj, of a size×size layer."""
    folder.mkdir(parents=True)
    tensors = {}
    for module in ("q_proj", "v_proj"):
        for role, shape in ((A, (rank, size)), (B, (size, rank))):
            # Four equal bytes are a small F32; the seed makes adapters differ.
            name = f"base_model.model.layers.0.{module}.{role}.weight"
            tensors[name] = (shape, bytes([0x3C + seed % 4]) * (4 * rank * size))
    written = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": ["q_proj", "v_proj"],
        "base_model_name_or_path": "org/tiny",
        **config,
    }
    (folder / "adapter_config.json").write_text(json.dumps(written))
    (folder / "adapter_model.safetensors").write_bytes(safetensors(tensors))
    return folder


def base(folder: Path, size: int = 4, seed: int = 1) -> Path:
    """A checkpoint folder of one layer that `adapter` fits when the sizes agree."""
    folder.mkdir(parents=True)
    data = bytes([0x3C + seed % 4]) * (4 * size * size)
    names = (f"layers.0.{module}.weight" for module in ("q_proj", "k_proj", "v_proj"))
    (folder / "model.safetensors").write_bytes(safetensors(dict.fromkeys(names, ((size, size), data))))
    (folder / "config.json").write_text(json.dumps({"model_type": "tiny", "hidden_size": size}))
    return folder


@dataclass
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class CommandLine:
    """`adapterhub` with a store of its own."""

    store: Path
    cwd: Path

    def __call__(self, *words: object, code: int | None = 0, prelude: str = "", **environment: str) -> Ran:
        script = f"{prelude}\nfrom adapterhub.cli.app import main\nmain()"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ADAPTERHUB", "COV"))}
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, words)],
            capture_output=True,
            text=True,
            cwd=self.cwd,
            env={
                **inherited,
                "ADAPTERHUB_HOME": str(self.store),
                "ADAPTERHUB_USER": "ada",
                "NO_COLOR": "1",
                **environment,
            },
            check=False,
            timeout=120,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in ran.err, ran.err
        assert code is None or ran.code == code, f"{words}: exit {ran.code}\n{ran.out}\n{ran.err}"
        return ran

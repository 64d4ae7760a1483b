"""Digits of scikit-learn as pictures, upright and moved, and small networks that know them upright.

    turned       a quarter to the left, and black for white
    mirrored     left for right, and black for white
    fallen       upside down

Every digit is in one split only, whichever way it is moved.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import apart
from benchmarks.training.arms import Problem, Way, rates
from benchmarks.training.remembered import remembered
from benchmarks.training.sizes import Sizes

__all__ = ["CNN", "MOVES", "VIT", "build", "problem", "upright"]

BATCH, SPLITS = 64, {"train": 1000, "validation": 197, "test": 600}
TASKS = {"vit": "image-classification", "cnn": "benchmarks.training.cnn:task"}
FULL = {"method": "full"}
VIT = (
    *(Way(f"LoRA, rank {rank}", {"method": "lora", "rank": rank}, rates(1e-2)) for rank in (2, 4, 8)),
    Way("full", FULL, rates(2e-3)),
)
CNN = (
    Way("LoRA, rank 8", {"method": "lora", "rank": 8}, rates(1e-2)),
    Way("full", FULL, rates(4e-3)),
)
"""A convolution is linear too: `all-linear` on a plain module takes those."""


MOVES: dict[str, Callable[[Any], Any]] = {
    "upright": lambda picture: picture,
    "turned": lambda picture: 255 - picture.T[::-1],
    "mirrored": lambda picture: 255 - picture[:, ::-1],
    "fallen": lambda picture: picture[::-1, ::-1],
}


def problem(folder: Path, kind: str, move: str, sizes: Sizes) -> Problem:
    """Digits moved some way, over a network that knows them upright; `kind` is vit or cnn."""
    config = _config(folder, kind, move, sizes.steps)
    config["base"] = upright(folder, kind, sizes)
    return Problem(f"{kind}-{move}", folder, config, folder / "digits" / move / "test", sizes)


def upright(folder: Path, kind: str, sizes: Sizes) -> str:
    """The reference of the network that was trained on upright digits, by the trainer itself."""
    remembered(folder / "results" / "digits-drawn.json", {}, lambda: apart(f"{__name__}:build", str(folder)))
    config = _config(folder, kind, "upright", 2 * sizes.steps)
    asked = Problem(f"{kind}-base", folder, config, folder / "digits" / "upright" / "test", sizes)
    return str(asked.run(asked.asked(Way("full", FULL, ()), "seed0", 0, 1e-3))["reference"])


def build(folder: str) -> None:
    """Write all pictures, and networks that know nothing yet."""
    place = Path(folder)
    for move in MOVES:
        _pictures(place / "digits" / move, MOVES[move])
    _vit(place / "bases" / "vit")
    _cnn(place / "bases" / "cnn")


def _config(folder: Path, kind: str, move: str, steps: int) -> dict[str, Any]:
    rows = folder / "digits" / move
    return {
        "base": str(folder / "bases" / kind),
        "task": TASKS[kind],
        "data": {
            "train": str(rows / "train"),
            "validation": str(rows / "validation"),
            "image": "image",
            "label": "label",
        },
        "optim": {"batch": BATCH, "micro_batch": BATCH, "steps": steps},
        "validation": {"every": max(1, steps // 10), "patience": 4},
    }


def _pictures(folder: Path, move: Callable[[Any], Any]) -> None:
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    order = iter(np.random.Generator(np.random.PCG64(0)).permutation(len(found.target)))
    for split, count in SPLITS.items():
        for _, index in zip(range(count), order, strict=False):
            label = folder / split / str(found.target[index])
            label.mkdir(parents=True, exist_ok=True)
            pixels = move((found.images[index] * 255 / 16).round().astype(np.uint8))
            Image.fromarray(np.ascontiguousarray(pixels)).save(label / f"{index:04}.png")


def _vit(folder: Path) -> None:
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    names = {str(number): number for number in range(10)}
    config = ViTConfig(
        image_size=8,
        patch_size=2,
        num_channels=1,
        hidden_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=128,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        label2id=names,
        id2label={number: name for name, number in names.items()},
    )
    ViTForImageClassification(config).save_pretrained(folder)


def _cnn(folder: Path) -> None:
    import torch
    from safetensors.torch import save_model

    from benchmarks.training.cnn import Network

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    save_model(Network(), str(folder / "model.safetensors"))
    (folder / "config.json").write_text(json.dumps({"architectures": ["Network"]}))

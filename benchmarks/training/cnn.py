"""A task of one's own, as a user would write it: a small convolutional network on pictures of 8 × 8 pixels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_model
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

__all__ = ["Digits", "Network", "Seen", "task"]


class Network(nn.Module):
    """38 thousand parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.wide = nn.Linear(512, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, 1, 8, 8) -> (n, 10)"""
        found = self.second(self.first(pictures).relu()).relu()
        return self.head(self.wide(nn.functional.max_pool2d(found, 2).flatten(1)).relu())


class Seen(NamedTuple):
    """An example."""

    picture: Any
    label: int


class Digits:
    """The task: ten labels, pictures as numbers from 0 to 1."""

    peft_type = None
    learned: Mapping[str, Any] = {}
    metric = "accuracy"
    limits = (0.0, 1.0)

    def open(self, folder: Path) -> nn.Module:
        """The network with the weights of a folder."""
        network = Network()
        load_model(network, str(folder / "model.safetensors"))
        return network

    def heads(self, model: nn.Module) -> tuple[str, ...]:
        """The last layer."""
        return ("head",)

    def examples(self, table: Any) -> list[Seen]:
        """Pictures are small: all are read at once."""
        return [Seen(_pixels(row["image"]), int(row["label"])) for row in table.rows]

    def length(self, example: Seen) -> int:
        """All are alike."""
        return 1

    def collate(self, examples: Sequence[Seen]) -> dict[str, Tensor]:
        """`pictures`: (n, 1, 8, 8), `labels`: (n,)"""
        return {
            "pictures": torch.from_numpy(np.stack([one.picture for one in examples]))[:, None],
            "labels": torch.tensor([one.label for one in examples]),
        }

    def loss(self, model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Summed cross entropy."""
        total = cross_entropy(model(batch["pictures"]), batch["labels"], reduction="sum")
        return total, torch.tensor(len(batch["labels"]))

    def answers(self, model: nn.Module, batch: dict[str, Tensor]) -> list[Any]:
        """The probabilities of the labels."""
        with torch.no_grad():
            return list(model(batch["pictures"]).softmax(-1).numpy())

    def measure(self, answers: Sequence[Any], examples: Sequence[Seen]) -> dict[str, float]:
        """Accuracy."""
        right = [answer.argmax() == one.label for answer, one in zip(answers, examples, strict=True)]
        return {"accuracy": float(np.mean(right))}


def task(config: Any, base: Path, train: Any) -> Digits:
    """What `task: benchmarks.training.cnn:task` calls."""
    return Digits()


def _pixels(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image, np.float32) / 255

"""Image classification: a label for each picture, read by Pillow, or given as an array."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from adapterhub.train.config import TrainConfig
from adapterhub.train.data.table import Table
from adapterhub.train.faults import of_each
from adapterhub.train.tasks.classification import Classification
from adapterhub.train.tasks.known import known_labels
from adapterhub.train.tasks.pixels import Eye, Picture, check, eye_of, picture_of
from adapterhub.train.tasks.table import wanted_columns

__all__ = ["ImageReader", "Seen", "prepare"]


def prepare(config: TrainConfig, base: Path, train: Table | None) -> Classification:
    """The task over a base that sees."""
    columns = wanted_columns(config)
    labels = known_labels(config, base, train, columns["label"])
    reader = ImageReader(eye_of(base), columns["image"])
    return Classification(reader, "AutoModelForImageClassification", labels, columns["label"])


class Seen(NamedTuple):
    """A picture, and where it is from, for errors."""

    picture: Picture
    place: str


@final
@dataclass(frozen=True)
class ImageReader:
    """Pictures, decoded when a batch is made of them, so that a large set needs little memory."""

    eye: Eye
    column: str

    def inputs(self, table: Table) -> list[Seen]:
        """Each row's picture, with its header read: a file that is no picture is told before anything runs."""
        rows = [(cell, table.place(i)) for i, cell in enumerate(table.column(self.column))]
        return of_each(lambda row: _seen(*row), rows)

    def size(self, one: Seen) -> int:
        """All pictures are one size for the model."""
        return 1

    def batch(self, inputs: Sequence[Seen]) -> dict[str, Tensor]:
        """`pixel_values`: (n, channels, height, width)"""
        return {"pixel_values": torch.from_numpy(np.stack([self.eye(*one) for one in inputs]))}


def _seen(cell: Any, place: str) -> Seen:
    picture = picture_of(cell, place)
    check(picture, place)
    return Seen(picture, place)

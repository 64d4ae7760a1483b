"""A training that may be killed from outside at any moment, in a process of its own."""

from multiprocessing.synchronize import Event
from pathlib import Path

import torch

from adapterhub.hub import Hub
from tests.verbs.training import Workshop


def train(folder: Path, begun: Event) -> None:
    """The run of a workshop that is there, with a checkpoint every other step."""
    torch.set_num_threads(1)
    begun.set()
    Workshop(folder, Hub.open(folder / "store")).train(checkpoint_every=2)

"""A training that is killed from outside, and the same one uninterrupted; run in a process of its own."""

from multiprocessing.synchronize import Event
from pathlib import Path

import torch
from safetensors.torch import save_file

from adapterhub.train.config import ValidationConfig
from adapterhub.train.engine.fit import Run, fit
from adapterhub.train.engine.job import Job
from adapterhub.train.engine.state import Keeper
from tests.train.engine.builders import Remembering, held_out, job, net, weights


def everything(precision: str) -> Job:
    """Dropout, a plateau, the best of many validations, a part with a memory."""
    model = net(dropout=0.3)
    return job(
        model=model,
        lr=0.05,
        epochs=13,
        precision=precision,
        micro_batch=5,
        schedule="plateau",
        plateau_patience=1,
        parts=(Remembering(model, since=10),),
        validate=held_out(model),
        metric="accuracy",
        validation=ValidationConfig(every=2),
    )


def train(folder: Path, precision: str, begun: Event) -> None:
    """Train, from the last checkpoint, and write what came out."""
    torch.set_num_threads(1)
    begun.set()
    asked = everything(precision)
    progress = fit(asked, Run(keeper=Keeper(folder / "state.safetensors", {"precision": precision}), every=2))
    said = progress.model_copy(update={"seconds": 0.0}).to_bytes().decode()
    save_file(weights(asked), folder / "done.tmp", {"progress": said})
    (folder / "done.tmp").rename(folder / "done.safetensors")

"""One of two processes that train together and are killed from outside; each has a folder of its own."""

import json
import os
import sys
from multiprocessing.synchronize import Event
from pathlib import Path

import torch
from safetensors.torch import save_file

from adapterhub.errors import Unreachable
from adapterhub.train.engine.fit import Run, fit
from adapterhub.train.engine.job import Job
from adapterhub.train.engine.state import Keeper
from adapterhub.train.engine.world import World, join
from tests.train.engine.builders import weights
from tests.train.engine.killed import everything
from tests.train.engine.workers import low


def together() -> Job:
    """Dropout, a plateau, the best of many validations, a part with a memory."""
    return everything("fp32")


def apart() -> Job:
    """Workers with dropout that meet every four steps; both factors are trained."""
    return low(False, dropout=0.3, steps=60)


JOBS = {"together": together, "apart": apart}


def train(kind: str, folder: Path, rank: int, port: int, begun: Event) -> None:
    """Train from the last checkpoint, and write what came out; left alone by the other it ends by itself."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    try:
        world = join()
        begun.set()
        _train(JOBS[kind](), folder / f"machine-{rank}", world)
    except (Unreachable, torch.distributed.DistError) as error:
        print(error)
        sys.exit(Unreachable.code)


def _train(asked: Job, folder: Path, world: World) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    progress = fit(asked, Run(world=world, keeper=Keeper(folder / "state.safetensors"), every=2))
    save_file(weights(asked), folder / "done.tmp", {"gap": json.dumps(progress.gap)})
    (folder / "done.tmp").rename(folder / "done.safetensors")

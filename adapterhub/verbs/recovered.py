"""What pruning took, trained back under the mask: an adapter that changes only weights that are not zero.

Its state is kept in a folder of runs/ like that of any training, so that a run that was killed goes on.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from adapterhub.errors import WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.run import RunFolder
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.train_run import Training, TrainRun
from adapterhub.verbs.trained import cost_of, decisive, machine_of, training_of

if TYPE_CHECKING:
    from adapterhub.train.prepare import Prepared

__all__ = ["Recovered", "Recovery", "check", "recover"]

METHODS = ("lora", "frozen-a")
MOVED = ("pissa", "olora")
"""Initialisations that take something out of the base's weights, and so its zeros."""


@final
@dataclass(frozen=True)
class Recovery:
    """A config, whose base and name do not matter here, and the folder its paths are relative to."""

    config: TrainConfig
    folder: Path


@final
@dataclass(frozen=True)
class Recovered:
    """The adapter in a folder, what manifest and notes say of its training, and where its state is kept.

    `config` are the fields of the model's config that its head asks for.
    """

    folder: Path
    training: dict[str, Any]
    cost: dict[str, Any]
    run: RunFolder
    config: dict[str, Any]


def check(how: Recovery) -> None:
    """`WrongUsage` for an adapter that cannot be trained under a mask."""
    asked = how.config.adapter
    if asked.method not in METHODS or asked.init in MOVED or asked.quantize:
        got = ", ".join(filter(None, (asked.method, asked.init, asked.quantize)))
        raise WrongUsage(
            f"an adapter under the mask is plain LoRA on the weights as they are, got {got}",
            hint=f"method: {' or '.join(METHODS)}, no quantize, and no init that changes the base ({', '.join(MOVED)})",
        )


def recover(desk: Desk, how: Recovery, pruned: Path, room: Path) -> Recovered:
    """Train on the pruned model in a folder, and write the adapter to `room`."""
    from adapterhub.train.compress.masked import mask
    from adapterhub.train.engine.world import ALONE
    from adapterhub.train.resources.memory import process_peak

    with ExitStack() as held:
        config = how.config.model_copy(update={"base": str(pruned)})
        run = TrainRun(desk, config, Training(how.folder), ALONE)
        # The folder of the pruned model is another each time, its weights are not.
        asked = decisive(how.config) | {"folder": str(how.folder), "recovers": run.ground.card.weights_digest}
        run.folder = RunFolder.of(desk.store.layout.runs, asked)
        run.open(held)
        mask(run.ready.attached.model)
        progress, ready = run.fit(), run.ready
        ready.attached.save(room, "pruned")
        cost = cost_of(ready, progress, process_peak(ready.job.device))
    return Recovered(room, training_of(ready, machine_of(ready, progress, 1)), cost, run.folder, _headed(ready))


def _headed(ready: "Prepared") -> dict[str, Any]:
    """Class and labels of a model that has got a head; nothing of one that needs none."""
    model: Any = ready.attached.model
    if not ready.task.heads(model) or not hasattr(model, "config"):
        return {}
    told = model.config.to_dict()
    fields = {name: told[name] for name in ("id2label", "label2id") if name in told}
    return {"architectures": [type(model).__name__], **fields}

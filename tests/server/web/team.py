"""A team's registry as it could be: sentence classifiers on a small BERT, with their versions, words and kin.

Times, users and bytes are always the same, so a picture of it changes only where a page does.
"""

import json
import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path
from random import Random
from unittest import mock

from adapterhub.formats.peft_keys import build_key
from adapterhub.hub import Hub
from adapterhub.manifest import Parent
from adapterhub.reference import Name
from adapterhub.verbs.hub_repos import set_private
from tests.builders import safetensors, write_files

WIDTH, LAYERS, VOCABULARY = 384, 6, 1024
BEGIN = datetime(2026, 3, 2, 9, 14, tzinfo=UTC)
CARD = """# Which team answers

Sorts a customer's first sentence into one of **twelve topics**, so that it lands on the right desk. Trained on tickets
of the last two years that two people agreed on; see [its config](adapter_config.json).

| language | rows | accuracy |
|----------|-----:|---------:|
| German | 18,204 | 0.931 |
| English | 6,911 | 0.904 |

Not for complaints: those go to a person.
"""


class Clock:
    """Each look is some hours after the last."""

    def __init__(self) -> None:
        self.at, self.dice = BEGIN, Random(7)

    def __call__(self, later_than: str = "") -> str:
        self.at += timedelta(minutes=self.dice.randint(40, 5200))
        return self.at.isoformat(timespec="microseconds").replace("+00:00", "Z")


@contextmanager
def by(user: str) -> Iterator[None]:
    with mock.patch.dict(os.environ, {"ADAPTERHUB_USER": user}):
        yield


def fill(hub: Hub, folder: Path) -> None:
    """All that there is to see."""
    base = checkpoint(folder / "minilm-l6", WIDTH, LAYERS)
    with mock.patch("adapterhub.store.shelf.now", Clock()):
        hub.base_add(base)
        hub.base_add(checkpoint(folder / "minilm-l6-2024", WIDTH, LAYERS, seed=2))
        hub.base_add(checkpoint(folder / "bert-small", 512, 4, seed=3))
        tickets(hub, folder, base)
        topics(hub, folder, base)
        kin(hub, folder, base)
        odd(hub, folder, base)
    for name in ("ada/topics", "lea/sentiment"):
        set_private(hub.desk, Name(*name.split("/")), False)


def topics(hub: Hub, folder: Path, base: Path) -> None:
    """Eight versions that get better, but for the fifth."""
    with by("ada"):
        for version in range(1, 9):
            run = lora(folder / f"topics{version}", rank=8, seed=version)
            better = 0.93 - 0.16 * exp(-version / 2.2) - (0.03 if version == 5 else 0)
            metrics = {
                "accuracy": round(better, 4),
                "f1_macro": round(better - 0.012 - 0.01 / version, 4),
                "ece": round(0.031 + 0.09 / version, 4),
                "validation_loss": round(0.19 + 0.5 * exp(-version / 3), 4),
            }
            training = {"seed": 7, "optim": {"lr": 3e-3, "batch": 32, "epochs": 3, "precision": "bf16"}}
            write_files(run, {"README.md": CARD.encode()})
            hub.add(run, "ada/topics", base=base, metrics=metrics, tags=("support", "german"), license="Apache-2.0",
                    training=training, cost={"seconds": 412.6, "peak_bytes": 931_430_400})  # fmt: skip
    for version, alias in ((6, "prod"), (8, "candidate"), (3, "before-the-new-labels")):
        hub.alias(f"ada/topics@{version}", alias)


def tickets(hub: Hub, folder: Path, base: Path) -> None:
    """Forty versions by a machine, of which the first thirty were measured."""
    with by("nightly-training"):
        dice = Random(40)
        for version in range(1, 41):
            run = lora(folder / f"tickets{version}", rank=4, seed=100 + version)
            metrics = {"accuracy": round(0.8 + version / 400 + dice.uniform(-0.02, 0.02), 4)} if version < 31 else {}
            hub.add(run, "support/tickets-nightly", base=base, metrics=metrics, tags=("nightly",))
    hub.alias("support/tickets-nightly@30", "prod")


def kin(hub: Hub, folder: Path, base: Path) -> None:
    """What was made of the others, and what was not."""
    digests = {word: hub.show(word).digest for word in ("ada/topics@6", "ada/topics@8", "support/tickets-nightly@30")}
    with by("lea"):
        hub.add(lora(folder / "sentiment", rank=16, seed=50), "lea/sentiment", base=base, tags=("support",),
                metrics={"accuracy": 0.9472, "f1_macro": 0.9391}, license="MIT")  # fmt: skip
        parents = [Parent(digest=digests["ada/topics@8"], weight=0.7),
                   Parent(digest=hub.show("lea/sentiment").digest, weight=0.5)]  # fmt: skip
        hub.add(lora(folder / "both", rank=24, seed=51), "lea/topics-and-sentiment", base=base, parents=parents,
                metrics={"accuracy": 0.9218}, tags=("merge",), recipe={"method": "svd", "rank": 24})  # fmt: skip
    with by("ada"):
        thin = [Parent(digest=digests["ada/topics@6"], weight=1.0)]
        hub.add(lora(folder / "thin", rank=2, seed=52), "ada/topics-thin", base=base, parents=thin,
                metrics={"accuracy": 0.8994}, tags=("merge", "small"))  # fmt: skip


def odd(hub: Hub, folder: Path, base: Path) -> None:
    """A long name, adapters that are not as they should be, and one for another base."""
    with by("lea"):
        name = "customer-relations/escalations-by-urgency-and-language-distilled-from-the-large-model"
        hub.add(lora(folder / "long", rank=8, seed=60), name, base=base, metrics={"balanced_accuracy": 0.8123},
                tags=("experiment-2026-spring", "do-not-use-for-decisions-about-people"))  # fmt: skip
        hub.add(lora(folder / "empty", rank=8, seed=61, trained=False), "lea/intents", base=base, tags=("draft",))
        deep = lora(folder / "deep", rank=8, seed=62, layers=(*range(LAYERS), 10, 11))
        hub.add(deep, "lea/from-twelve-layers", base=base, partial=True, metrics={"accuracy": 0.871})
        hub.add(lora(folder / "small", rank=8, seed=63, width=512, layers=range(4)), "ada/languages",
                base=folder / "bert-small", metrics={"accuracy": 0.9911})  # fmt: skip


def numbers(dice: Random, *shape: int) -> tuple[tuple[int, ...], bytes]:
    """A matrix whose rows are all the same, which nobody sees."""
    row = array("f", (dice.uniform(-0.05, 0.05) for _ in range(shape[-1]))).tobytes()
    return shape, row * (shape[0] if len(shape) == 2 else 1)


def checkpoint(folder: Path, width: int, layers: int, seed: int = 0) -> Path:
    """A BERT of these sizes; its vocabulary is short, so that it is made in no time."""
    dice, tensors = Random(seed), {}
    tensors["embeddings.word_embeddings.weight"] = numbers(dice, VOCABULARY, width)
    for layer in range(layers):
        at = f"encoder.layer.{layer}"
        for module in ("query", "key", "value"):
            tensors[f"{at}.attention.self.{module}.weight"] = numbers(dice, width, width)
            tensors[f"{at}.attention.self.{module}.bias"] = numbers(dice, width)
        tensors[f"{at}.intermediate.dense.weight"] = numbers(dice, 4 * width, width)
        tensors[f"{at}.output.dense.weight"] = numbers(dice, width, 4 * width)
    config = {"model_type": "bert", "hidden_size": width, "num_hidden_layers": layers, "vocab_size": VOCABULARY}
    return write_files(folder, {"config.json": json.dumps(config).encode(), "model.safetensors": safetensors(tensors)})


def lora(folder: Path, *, rank: int, seed: int, width: int = WIDTH, layers=range(LAYERS), trained: bool = True) -> Path:
    """A LoRA on queries and values; one that was saved before it was trained has zeros in B."""
    dice, tensors = Random(seed), {}
    for module in (f"encoder.layer.{n}.attention.self.{part}" for n in layers for part in ("query", "value")):
        tensors[build_key(module, "A")] = numbers(dice, rank, width)
        shape, data = numbers(dice, width, rank)
        tensors[build_key(module, "B")] = shape, data if trained else bytes(len(data))
    config = {"peft_type": "LORA", "task_type": "SEQ_CLS", "r": rank, "lora_alpha": 2 * rank,
              "target_modules": ["query", "value"], "base_model_name_or_path": "minilm-l6"}  # fmt: skip
    if width != WIDTH:
        config["base_model_name_or_path"] = "bert-small"
    files = {"adapter_config.json": json.dumps(config).encode(), "adapter_model.safetensors": safetensors(tensors)}
    return write_files(folder, files)

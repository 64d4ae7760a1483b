"""Small jobs of plain torch: examples of unlike lengths, a net with dropout where asked, a part that remembers."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adapterhub.train.config import OptimConfig
from adapterhub.train.engine.job import Job

IGNORED = -100


def net(dropout: float = 0.0, seed: int = 0) -> nn.Sequential:
    """The same weights for the same seed; the first layer is frozen."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        made = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 12), nn.Dropout(dropout), nn.Linear(12, 3))
    made[0].requires_grad_(False)
    return made


def examples(count: int, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Rows of one to seven tokens, of which some do not count; every row has one that does."""
    random = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(count):
        length = int(torch.randint(1, 8, (), generator=random))
        tokens = torch.randn(length, 6, generator=random)
        labels = (tokens.sum(1) > 0).long() + (tokens[:, 0] > 1).long()
        labels[1:][torch.rand(length - 1, generator=random) < 0.4] = IGNORED
        made.append((tokens, labels))
    return made


def collate(rows: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    tokens, labels = zip(*rows, strict=True)
    return {
        "tokens": nn.utils.rnn.pad_sequence(list(tokens), batch_first=True),
        "labels": nn.utils.rnn.pad_sequence(list(labels), batch_first=True, padding_value=IGNORED),
    }


def loss(model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The sum over tokens that count, and how many do."""
    said = model(batch["tokens"]).flatten(0, 1).float()
    labels = batch["labels"].flatten()
    return F.cross_entropy(said, labels, ignore_index=IGNORED, reduction="sum"), (labels != IGNORED).sum()


def job(**changed: Any) -> Job:
    """48 rows, a batch of 16; any field of a Job, and any of its optim."""
    optim = {"lr": 1e-2, "batch": 16, "epochs": 2, "weight_decay": 0.1}
    optim |= {key: changed.pop(key) for key in list(changed) if key in OptimConfig.model_fields}
    known = {"model": None, "loss": loss, "examples": examples(48), "collate": collate, "optim": OptimConfig(**optim)}
    known |= changed
    known["model"] = known["model"] or net()
    return Job(**known)


def weights(job: Job) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in job.trained.items()}


def same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    """Bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def furthest(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """The largest difference of two sets of tensors, against the largest number in them."""
    assert a.keys() == b.keys()
    most = max(float(one.abs().max()) for one in a.values())
    return max(float((a[name].double() - b[name].double()).abs().max()) for name in a) / most


def held_out(model: nn.Module) -> Any:
    """A validation: loss and accuracy on rows of its own."""
    batch = collate(examples(16, seed=1))

    @torch.no_grad()
    def validate() -> dict[str, float]:
        assert not model.training
        total, count = loss(model, batch)
        right = (model(batch["tokens"]).argmax(-1) == batch["labels"]).sum()
        return {"accuracy": float(right / count), "loss": float(total / count)}

    return validate


class Remembering:
    """A part as AdaLoRA's: smoothed |parameter·gradient|, and from a step on the least of it is set to nothing."""

    def __init__(self, model: nn.Module, since: int = 6) -> None:
        self.weight, self.since = model[2].weight, since
        self.smooth = torch.zeros_like(self.weight)

    def penalty(self, model: nn.Module) -> Tensor:
        gram = self.weight @ self.weight.T
        return 1e-2 * (gram - torch.eye(len(gram))).norm()

    def after_step(self, step: int) -> None:
        assert self.weight.grad is not None
        self.smooth = 0.9 * self.smooth + (self.weight * self.weight.grad).detach().abs()
        if step >= self.since:
            with torch.no_grad():
                self.weight[self.smooth < self.smooth.quantile(0.2)] = 0

    def state(self) -> dict[str, Tensor]:
        return {"smooth": self.smooth}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.smooth = state["smooth"].clone()


class Noted:
    """A watcher that keeps every event."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def begin(self, event: Any) -> None:
        self.events.append(event)

    step = validated = end = begin

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.event == kind]

"""Adversarial training on real pictures: a small CNN keeps twice as many answers under attack, and its clean ones."""

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from adapterhub.train.config import RobustConfig
from adapterhub.train.robust.attack import answers_under, attacked
from tests.train.robust.builders import plain_loss

LIMITS = (0.0, 1.0)
JUDGE = RobustConfig(attack="pgd", epsilon=0.15, steps=10)


class Digits:
    """As much of a task as a measurement needs."""

    def answers(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> list[np.ndarray]:
        return list(model(batch[0]).numpy())


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    from sklearn.datasets import load_digits

    found = load_digits()
    inputs = torch.tensor(found.images, dtype=torch.float32)[:, None] / 16
    labels = torch.tensor(found.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    inputs, labels = inputs[order], labels[order]
    return (inputs[:1200], labels[:1200]), (inputs[1200:], labels[1200:])


def fit(model, loss, rows, *, steps, lr):
    """A bare loop on the contract of the engine."""
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=lr)
    random = torch.Generator().manual_seed(0)
    for _ in range(steps):
        places = torch.randint(len(rows[0]), (64,), generator=random)
        total, count = loss(model, (rows[0][places], rows[1][places]))
        optimizer.zero_grad()
        (total / count).backward()
        optimizer.step()
    return model


def right(answers, labels):
    return (np.stack(answers).argmax(1) == labels.numpy()).mean().item()


def both(model, rows):
    """Clean and robust accuracy."""
    model.eval()
    with torch.no_grad():
        clean = Digits().answers(model, rows)
    return right(clean, rows[1]), right(answers_under(Digits(), plain_loss, model, rows, JUDGE, limits=LIMITS), rows[1])


def adapter(base: dict[str, Tensor]) -> nn.Module:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    model = cnn()
    model.load_state_dict(base)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["0", "2", "6", "8"]))


@pytest.fixture(scope="module")
def base():
    torch.manual_seed(0)
    return fit(cnn(), plain_loss, digits()[0], steps=200, lr=3e-3).state_dict()


@pytest.fixture(scope="module")
def plain(base):
    """What an adapter reaches that never saw an attack."""
    train, test = digits()
    return both(fit(adapter(base), plain_loss, train, steps=150, lr=5e-3), test)


@pytest.mark.parametrize("attack", ["fgsm", "pgd"])
def test_robust_accuracy_doubles_at_less_than_two_points_of_clean(attack, base, plain):
    train, test = digits()
    hurt = attacked(plain_loss, RobustConfig(attack=attack, epsilon=0.15, steps=3), limits=LIMITS)
    robust = both(fit(adapter(base), hurt, train, steps=150, lr=5e-3), test)
    assert robust[1] >= 2 * plain[1]
    assert robust[0] > plain[0] - 0.02

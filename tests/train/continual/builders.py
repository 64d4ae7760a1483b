"""Tasks out of real pictures, a small network, and a bare loop on the contract of the engine."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

Rows = tuple[Tensor, Tensor]


def loss(model: nn.Module, batch: Rows) -> tuple[Tensor, Tensor]:
    """Summed cross entropy."""
    inputs, labels = batch
    return cross_entropy(model(inputs), labels, reduction="sum"), torch.tensor(len(labels))


def mlp(seed: int = 0, width: int = 96) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def tasks(count: int = 3) -> list[tuple[Rows, Rows]]:
    """(training rows, test rows) of digits whose pixels stand in another order in each task."""
    from sklearn.datasets import load_digits

    found = load_digits()
    random = torch.Generator().manual_seed(0)
    order = torch.randperm(len(found.target), generator=random)
    inputs = torch.tensor(found.data, dtype=torch.float32)[order] / 16
    labels = torch.tensor(found.target)[order]
    made = []
    for number in range(count):
        moved = inputs[:, torch.randperm(64, generator=random)] if number else inputs
        made.append(((moved[:1200], labels[:1200]), (moved[1200:], labels[1200:])))
    return made


def fit(model: nn.Module, rows: Rows, parts=(), *, steps: int = 400, lr: float = 3e-3) -> None:
    """AdamW, 32 examples a step, with the penalties of the parts."""
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=lr)
    random = torch.Generator().manual_seed(0)
    for step in range(1, steps + 1):
        places = torch.randint(len(rows[0]), (32,), generator=random)
        total, count = loss(model, (rows[0][places], rows[1][places]))
        optimizer.zero_grad()
        (total / count).backward()
        for part in parts:
            penalty = part.penalty(model)
            assert penalty is not None
            penalty.backward()
        optimizer.step()
        for part in parts:
            part.after_step(step)


@torch.no_grad()
def accuracy(model: nn.Module, rows: Rows) -> float:
    return (model(rows[0]).argmax(1) == rows[1]).float().mean().item()

"""AdamW over what is trained, in groups of one rate; vectors (biases, norms, magnitudes) do not decay."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch

from adapterhub.train.engine.job import Job

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["build", "restore", "set_rate", "state"]


def build(job: Job) -> torch.optim.AdamW:
    """The optimiser of a job. `multiple` in a group is its rate divided by the common one."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, weight in job.trained.items():
        decay = job.optim.weight_decay if weight.ndim > 1 else 0.0
        groups.setdefault((job.rates.get(name, 1.0), decay), []).append(weight)
    rows = [
        {"params": weights, "weight_decay": decay, "multiple": multiple}
        for (multiple, decay), weights in groups.items()
    ]
    return torch.optim.AdamW(rows, lr=job.optim.lr, betas=job.optim.betas, eps=job.optim.eps)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group its rate for the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["multiple"]


def state(optimizer: torch.optim.Optimizer, trained: "Mapping[str, nn.Parameter]") -> "Iterator[tuple[str, Tensor]]":
    """The moments and step counts, under `<moment>/<parameter>`."""
    for name, weight in trained.items():
        for key, value in sorted(optimizer.state.get(weight, {}).items()):
            yield f"{key}/{name}", torch.as_tensor(value)


def restore(
    optimizer: torch.optim.Optimizer, trained: "Mapping[str, nn.Parameter]", found: "Mapping[str, Tensor]"
) -> None:
    """Take back what `state` gave."""
    kept: dict[str, dict[str, Any]] = {}
    for key, value in found.items():
        moment, _, name = key.partition("/")
        kept.setdefault(name, {})[moment] = value
    for name, moments in kept.items():
        weight = trained[name]
        # AdamW counts steps in a tensor that stays on the processor.
        optimizer.state[weight] = {
            key: value.clone() if key == "step" else value.to(weight.device, copy=True)
            for key, value in moments.items()
        }

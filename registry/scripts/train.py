"""Training, small and repeatable: one thread, deterministic kernels, every die thrown from a seed.

The same plan, images and seed give the same bytes on the same build of torch and the same kind of processor; elsewhere
the numbers agree to about the last image.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.random import default_rng
from torch import nn

from registry.scripts.digits import Labelled, jittered, pixels, seen_as
from registry.scripts.plan import TARGETS, AdapterPlan, BasePlan, Fit

if TYPE_CHECKING:
    from transformers import ViTForImageClassification

__all__ = [
    "accuracy",
    "fit",
    "make_repeatable",
    "new_adapter",
    "new_base",
    "open_base",
    "quietly",
    "save_adapter",
    "training_images",
]


def make_repeatable() -> None:
    """One thread, and only kernels that add in the same order each time."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def quietly() -> None:
    """No progress bars and no advice from transformers."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def new_base(plan: BasePlan) -> "ViTForImageClassification":
    """An untrained model."""
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(plan.seed)
    return ViTForImageClassification(
        ViTConfig(
            image_size=8,
            num_channels=1,
            patch_size=plan.patch,
            hidden_size=plan.hidden,
            intermediate_size=2 * plan.hidden,
            num_hidden_layers=plan.layers,
            num_attention_heads=plan.heads,
            num_labels=10,
        )
    )


def open_base(folder: Path) -> "ViTForImageClassification":
    """A trained model from its folder."""
    from transformers import ViTForImageClassification

    quietly()
    return ViTForImageClassification.from_pretrained(folder)


def new_adapter(base: nn.Module, plan: AdapterPlan) -> nn.Module:
    """The base with fresh LoRA factors on every linear layer of its encoder, all else frozen."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(plan.seed)
    config = LoraConfig(r=plan.rank, lora_alpha=plan.alpha, target_modules=list(TARGETS))
    with warnings.catch_warnings():
        # peft asks transformers for an attribute whose name is being replaced.
        warnings.simplefilter("ignore", FutureWarning)
        adapted: nn.Module = get_peft_model(base, config)
    return adapted


def training_images(plan: BasePlan | AdapterPlan, train: Labelled) -> Labelled:
    """What is trained on: every image jittered `draws` times, upright, and for an adapter in its domain, too."""
    domains = ("upright",) if isinstance(plan, BasePlan) else (plan.domain, "upright")
    seen = []
    for draw in range(plan.draws):
        dice = 1000 * (plan.seed + 1) + draw
        written = jittered(train.images, plan.jitter, default_rng(dice))
        seen += [seen_as(domain, written, dice) for domain in domains]
    return Labelled(np.concatenate(seen), np.concatenate([train.labels] * len(seen)))


def fit(model: nn.Module, data: Labelled, how: Fit, seed: int) -> list[float]:
    """Fit what is not frozen to the labels, with AdamW on the cross-entropy; the loss of every step."""
    model.train()
    inputs, wanted = pixels(data.images), torch.from_numpy(data.labels.astype(np.int64))
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=how.rate, weight_decay=how.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=how.steps, pct_start=0.1)
    next_batch = _batches(len(data), how.batch, seed)
    losses = []
    for _ in range(how.steps):
        batch = next_batch()
        loss = nn.functional.cross_entropy(model(pixel_values=inputs[batch]).logits, wanted[batch])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(weights, how.clip)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    model.eval()
    return losses


def _batches(count: int, size: int, seed: int) -> Callable[[], torch.Tensor]:
    """Shuffled batches without end; every image once before any comes again, but for the rest that fills no batch."""
    dice = torch.Generator().manual_seed(seed)
    left = torch.empty(0, dtype=torch.int64)

    def following() -> torch.Tensor:
        nonlocal left
        if len(left) < size:
            left = torch.randperm(count, generator=dice)
        batch, left = left[:size], left[size:]
        return batch

    return following


def accuracy(model: nn.Module, seen: Labelled) -> float:
    """The share of images that are read right."""
    model.eval()
    with torch.no_grad():
        said = model(pixel_values=pixels(seen.images)).logits.argmax(-1).numpy()
    return float((said == seen.labels).mean())


def save_adapter(model: Any, folder: Path, base: str) -> None:
    """What peft saves, with the base's name instead of a path, in one order, and without peft's card."""
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    place = folder / "adapter_config.json"
    config = json.loads(place.read_text())
    config["base_model_name_or_path"] = base
    # peft keeps the targets in a set, whose order changes from run to run.
    config["target_modules"] = sorted(config["target_modules"])
    place.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")

"""Training, on models of one layer and for a handful of steps."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from registry.scripts.digits import INK, Labelled
from registry.scripts.plan import ADAPTERS, BASES, AdapterPlan, Fit, config_of
from registry.scripts.train import (
    accuracy,
    fit,
    make_repeatable,
    new_adapter,
    new_base,
    open_base,
    save_adapter,
    training_images,
)

SMALL = replace(BASES[0], hidden=16, layers=1, heads=2, draws=1, fit=Fit(steps=100, rate=2e-2, batch=32))
ADAPTER = AdapterPlan("digits/rotated", "1", "rotated", "digits/vit", Fit(12, 1e-2, batch=16), seed=1, draws=1)


@pytest.fixture(autouse=True)
def _repeatable() -> Iterator[None]:
    threads = torch.get_num_threads()
    make_repeatable()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


def bars(count: int = 64) -> Labelled:
    """Images of one inked row; the label says which."""
    labels = (np.arange(count) % 8).astype(np.uint8)
    images = np.zeros((count, 8, 8), np.uint8)
    images[np.arange(count), labels] = INK
    return Labelled(images, labels)


def test_training_lowers_the_loss_and_reads_the_images() -> None:
    model, data = new_base(SMALL), bars()
    losses = fit(model, data, SMALL.fit, seed=0)
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) / 4
    assert accuracy(model, data) > 0.9


def test_the_same_seed_trains_the_same_weights() -> None:
    models = [new_base(SMALL) for _ in range(2)]
    short = replace(SMALL.fit, steps=5)
    for model in models:
        fit(model, bars(), short, seed=3)
    first, second = (model.state_dict() for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_adapter_is_fitted_while_its_base_stays_as_it_was() -> None:
    base = new_base(SMALL)
    before = [weight.clone() for weight in base.parameters()]
    model = new_adapter(base, ADAPTER)
    losses = fit(model, bars(), ADAPTER.fit, seed=0)
    frozen = [weight for weight in model.parameters() if not weight.requires_grad]
    assert losses[-1] < losses[0]
    assert len(frozen) == len(before)
    assert all(any(torch.equal(old, new) for new in frozen if new.shape == old.shape) for old in before)


def test_a_saved_adapter_names_its_base_and_no_machine(tmp_path: Path) -> None:
    new_base(SMALL).save_pretrained(tmp_path / "base")
    for name in ("one", "two"):
        save_adapter(new_adapter(open_base(tmp_path / "base"), ADAPTER), tmp_path / name, ADAPTER.base)
    one, two = (tmp_path / name for name in ("one", "two"))
    config = json.loads((one / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "digits/vit"
    assert config["target_modules"] == sorted(config["target_modules"])
    assert str(tmp_path) not in (one / "adapter_config.json").read_text()
    assert sorted(path.name for path in one.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert (one / "adapter_config.json").read_bytes() == (two / "adapter_config.json").read_bytes()


def test_half_of_what_an_adapter_sees_is_upright() -> None:
    seen = training_images(replace(ADAPTER, draws=2, jitter=0.0), bars(8))
    assert len(seen) == 2 * 2 * 8
    assert sum(np.array_equal(image, bars(8).images[place % 8]) for place, image in enumerate(seen.images)) == 16


def test_a_plan_is_written_without_its_names() -> None:
    config = config_of(ADAPTERS[0])
    assert not {"name", "version", "base", "seed"} & config.keys()
    assert (config["domain"], config["rank"]) == ("rotated", 8)

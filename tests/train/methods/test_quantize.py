"""A base held in int8: smaller, trained beside, and the adapter is for the base as it was."""

import pytest
import torch
from torch import nn

from adapterhub.errors import DoesNotFit, Refused
from adapterhub.train.methods import quantize
from adapterhub.train.methods.table import attach
from tests.train.methods.builders import KINDS, attached, by_peft, by_us, config, train


@pytest.mark.parametrize("method", ["lora", "dora", "frozen-a", "adalora"])
@pytest.mark.parametrize("name", ["bert", "cnn"])
def test_an_adapter_trained_beside_int8_fits_the_base_as_it_was(tmp_path, name, method):
    kind = KINDS[name]
    model = kind.model()
    before = kind.logits(model).detach()
    made = attached(kind, model, config(method=method, quantize="int8"))
    train(kind, made)
    made.save(tmp_path, "me/base")
    trained, ours = kind.logits(made.model), by_us(kind, tmp_path)
    assert torch.allclose(by_peft(kind, tmp_path), ours, atol=1e-5)
    assert (ours - trained).norm() < 0.2 * (trained - before).norm()


def test_only_the_frozen_linear_layers_are_held_in_int8():
    kind = KINDS["cnn"]
    made = attached(kind, kind.model(), config(quantize="int8"))
    held = [
        path for path, module in made.model.named_modules() if "Int8" in type(getattr(module, "weight", 0)).__name__
    ]
    assert {path.removesuffix(".base_layer") for path in held} == {"fc"}


def test_a_model_without_linear_layers_is_told():
    with pytest.raises(DoesNotFit, match="no nn"):
        attach(KINDS["gpt2"].model(), config(quantize="int8"), ())
    with pytest.raises(DoesNotFit, match="no nn"):
        attach(nn.Sequential(nn.Conv2d(1, 1, 1)), config(quantize="int8"), ())


@pytest.mark.parametrize(("how", "package"), [("nf4", "bitsandbytes"), ("int8", "torchao")])
def test_a_package_that_is_not_installed_is_told(monkeypatch, how, package):
    monkeypatch.setattr(quantize, "find_spec", lambda name: None)
    with pytest.raises(Refused, match=f"{how} is computed by {package}") as caught:
        attach(KINDS["bert"].model(), config(quantize=how), ("classifier",))
    assert caught.value.hint.startswith(f"pip install {package}")

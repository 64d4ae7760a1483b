"""What is trained under the mask is what is merged, and zeros stay zero."""

import copy

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from adapterhub.errors import DoesNotFit
from adapterhub.train.compress.masked import mask, merge
from adapterhub.train.compress.prune import prune, zeros
from adapterhub.train.compress.targets import live
from tests.train.compress.builders import Reader, lora, stir


@pytest.fixture
def pruned():
    torch.manual_seed(0)
    model = Reader()
    prune(model, 0.8)
    return model


X = torch.rand(7, 64, generator=torch.Generator().manual_seed(3))


def test_the_merged_model_answers_as_the_one_that_was_trained(pruned):
    where = {name: weight == 0 for name, weight in live(pruned).items()}
    model = stir(lora(pruned))
    assert mask(model) == 2
    trained = model(X)
    with model.disable_adapter():
        assert not torch.allclose(model(X), trained, atol=1e-2)
    merge(model)
    assert torch.allclose(model(X), trained, atol=1e-4)
    alone = model.unload()
    assert torch.allclose(alone(X), trained, atol=1e-4)
    assert {name: weight == 0 for name, weight in live(alone).items()}.keys() == where.keys()
    assert all(torch.equal(weight == 0, where[name]) for name, weight in live(alone).items())


def test_without_the_mask_the_zeros_are_lost(pruned):
    before = zeros(live(pruned).values())
    merged = stir(lora(pruned)).merge_and_unload()
    assert before == pytest.approx(0.8, abs=1e-3)
    assert zeros(live(merged).values()) < 0.01


def test_a_dense_model_trains_as_with_plain_lora():
    torch.manual_seed(0)
    model = stir(lora(Reader()))
    plain = model(X)
    mask(model)
    assert torch.allclose(model(X), plain, atol=1e-5)


def test_gradients_are_those_of_the_merged_weight(pruned):
    model = stir(lora(pruned, target_modules=["first"]))
    mask(model)
    (layer,) = [one for one in model.modules() if hasattr(one, "get_delta_weight")]
    model(X).square().sum().backward()
    got = [one.grad.clone() for one in model.parameters() if one.requires_grad]
    model.zero_grad()
    weight = layer.get_base_layer().weight
    changed = weight + (weight != 0) * layer.get_delta_weight("default")
    hidden = nn.functional.linear(X, changed, layer.get_base_layer().bias)
    base = model.get_base_model()
    base.head(torch.relu(base.second(torch.relu(hidden)))).square().sum().backward()
    wanted = [one.grad for one in model.parameters() if one.requires_grad]
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in zip(got, wanted, strict=True))


def test_layers_that_are_stored_transposed_are_masked_too():
    torch.manual_seed(0)
    model = nn.Sequential(Conv1D(6, 5))
    prune(model, 0.5)
    model = stir(lora(model, target_modules=["0"], fan_in_fan_out=True))
    x = torch.rand(3, 5)
    mask(model)
    trained = model(x)
    merge(model)
    assert torch.allclose(model.unload()(x), trained, atol=1e-5)
    assert zeros(live(model.get_base_model()).values()) == 0.5


def test_a_copy_is_a_model_of_its_own(pruned):
    model = stir(lora(pruned))
    mask(model)
    twin = copy.deepcopy(model)
    before = model(X)
    stir(twin, seed=9)
    assert torch.equal(model(X), before)
    assert not torch.allclose(twin(X), before, atol=1e-2)


def test_what_cannot_be_masked_is_said(pruned):
    with pytest.raises(DoesNotFit, match="no layer of this model"):
        mask(pruned)
    with pytest.raises(DoesNotFit, match="one plain LoRA on a linear layer"):
        mask(lora(pruned, use_dora=True))

"""Running statistics belong to the base: training does not move them."""

import copy

import pytest
import torch
from torch import nn

from adapterhub.train.methods.table import METHODS
from tests.train.methods.builders import KINDS, attached, config, train


def statistics(model):
    return [tensor.clone() for name, tensor in model.state_dict().items() if "running_" in name]


def trained(model, method):
    kind = KINDS["cnn"]
    made = attached(kind, model, config(method=method))
    before = statistics(made.model)
    train(kind, made)
    made.model.train()
    return made.model, before


@pytest.mark.parametrize("method", METHODS)
def test_they_stay_whatever_is_trained(method):
    model, before = trained(KINDS["cnn"].model(), method)
    assert model.body.training
    assert not model.body[1].training
    assert len(before) == 2
    assert all(torch.equal(one, other) for one, other in zip(before, statistics(model), strict=True))


@pytest.mark.parametrize("method", ["lora", "full"])
def test_those_of_a_head_stay_and_its_weights_are_trained(tmp_path, method):
    whole = KINDS["cnn"].model()
    whole.head = nn.Sequential(nn.BatchNorm1d(16), nn.Linear(16, 3))
    model, before = trained(whole, method)
    assert all(torch.equal(one, other) for one, other in zip(before, statistics(model), strict=True))
    scales = [
        p for name, p in model.named_parameters() if "head" in name and name.endswith(".0.weight") and p.requires_grad
    ]
    assert len(scales) == 1
    assert not torch.equal(scales[0], torch.ones(16))


def test_so_the_loss_does_not_depend_on_how_a_batch_is_cut():
    kind = KINDS["cnn"]
    model = attached(kind, kind.model(), config(method="full")).model.train()
    images = kind.inputs()["images"]
    assert torch.allclose(model(images), torch.cat([model(images[:2]), model(images[2:])]), atol=1e-6)


def test_a_copy_of_the_model_holds_its_own():
    kind = KINDS["cnn"]
    model = copy.deepcopy(attached(kind, kind.model(), config()).model)
    assert model.train().body[1].train() is model.body[1]

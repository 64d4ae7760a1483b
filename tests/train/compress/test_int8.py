"""Linear layers in eight bits, with torchao's own quantisation and plain arithmetic as judges."""

import copy

import pytest
import torch
from torch import nn

from adapterhub.errors import DoesNotFit, Refused, WrongUsage
from adapterhub.train.compress.calibrate import METHODS
from adapterhub.train.compress.int8 import activate, codes, dequantised, quantise, torchao
from adapterhub.train.compress.observe import Scale, observe
from tests.train.compress.builders import Reader

DICE = torch.Generator().manual_seed(0)
X = torch.rand(9, 64, generator=DICE)


def weight(outlier=0.0):
    drawn = torch.randn(64, 300, generator=torch.Generator().manual_seed(1))
    drawn[0, 0] += outlier
    return drawn


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Reader().eval()


def test_min_max_is_what_torchao_does_by_itself():
    ao = torchao()
    layer = nn.Linear(300, 64, bias=False)
    layer.weight = nn.Parameter(weight())
    theirs = copy.deepcopy(layer)
    ao.quantize_(theirs, ao.Int8WeightOnlyConfig())
    code, scale = codes(layer.weight)
    apart = (theirs.weight.dequantize() - dequantised(code, scale)).abs()
    # Theirs counts to −128, so its steps are a little shorter; both round to the nearest step.
    assert (apart <= scale).all()
    assert (dequantised(code, scale) - layer.weight).abs().max() <= 0.5001 * scale.max()


@pytest.mark.parametrize("method", METHODS)
def test_rows_have_scales_of_their_own_and_zeros_stay_zero(method):
    matrix = weight() * torch.logspace(-3, 3, 64)[:, None]
    matrix[:, ::2], matrix[5] = 0, 0
    code, scale = codes(matrix, method)
    assert (code.dtype, scale.shape) == (torch.int8, (64, 1))
    assert code.abs().max() == 127
    assert torch.equal(code[:, ::2], torch.zeros_like(code[:, ::2]))
    error = (dequantised(code, scale) - matrix).norm(dim=1) / matrix.norm(dim=1).clamp(min=1e-9)
    assert error.max() < 0.05


def test_calibrations_differ_where_a_tail_is_heavy():
    torch.manual_seed(0)
    matrix = torch.distributions.StudentT(torch.tensor(2.0)).sample((64, 3000))
    largest = {method: codes(matrix, method)[1].max().item() for method in METHODS}
    assert all(largest[method] < largest["minmax"] for method in METHODS if method != "minmax")
    assert len(set(largest.values())) == 4


def test_a_model_answers_nearly_as_before(model):
    before = model(X)
    losses = quantise(model)
    assert sorted(losses) == ["first.weight", "second.weight"]
    assert all(0 < loss.relative < 0.01 and loss.sqnr > 40 for loss in losses.values())
    assert (model(X) - before).abs().max() < 0.01 * before.abs().max()
    assert isinstance(model.first.weight, torchao().Int8Tensor)
    assert type(model.head.weight) is nn.Parameter


def test_activations_in_eight_bits_are_what_arithmetic_says(model):
    scales = observe(model, lambda: model(X))
    assert scales["first"] == Scale(float(X.max()) / 127, 2)
    code, scale = codes(model.first.weight)
    rounded = (X / scales["first"].scale).round() * scales["first"].scale
    wanted = nn.functional.linear(rounded, dequantised(code, scale), model.first.bias)
    quantise(model, activations=scales)
    assert torch.allclose(model.first(X), wanted, atol=1e-5)


def test_scales_can_be_given_later(model):
    scales = observe(model, lambda: model(X))
    both = copy.deepcopy(model)
    quantise(both, activations=scales)
    quantise(model)
    assert activate(model, scales) == 2
    assert torch.equal(model(X), both(X))
    with pytest.raises(DoesNotFit, match="head: a scale for its input"):
        activate(model, {"head": Scale(1.0, 2)})


def test_observing_leaves_the_model_as_it_was(model):
    model.train()
    model.first.eval()
    observe(model, lambda: model(X))
    assert (model.training, model.first.training, model.second.training) == (True, False, True)
    assert not any(module._forward_pre_hooks for module in model.modules())
    with pytest.raises(ZeroDivisionError):
        observe(model, lambda: 1 / 0)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_layer_whose_inputs_differ_in_dimensions_is_named(model):
    with pytest.raises(DoesNotFit, match="first: inputs of 2 and of 3 dimensions"):
        observe(model, lambda: (model(X), model(X[None])))
    with pytest.raises(WrongUsage, match="no linear layer was reached"):
        observe(model, lambda: None)


def test_what_cannot_be_quantised_is_said(model):
    with pytest.raises(DoesNotFit, match="no linear layer"):
        quantise(nn.Sequential(nn.Conv1d(2, 2, 1)))
    model.first.weight.data[0, 0] = float("nan")
    with pytest.raises(Refused, match="NaN"):
        quantise(model)

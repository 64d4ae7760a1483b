"""Parameters that are used without a module to call: while a forward runs each is answered as W + Σ w·ΔW."""

import copy

import pytest
import torch
from torch import nn

from adapterhub.compose.live import experts_gate
from adapterhub.compose.live.stack import stack
from adapterhub.lora.adapter import Adapter
from tests.compose.live.test_stack import close
from tests.lora.builders import delta


class Experts(nn.Module):
    """Three matrices 6×5, and three 5×4 the other way round; each row of the input is given to one."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Parameter(torch.randn(3, 6, 5)), nn.Parameter(torch.randn(3, 4, 5))
        self.inside = lambda: None

    def forward(self, x, which):
        self.inside()
        return torch.einsum("ni,nio,noj->nj", x, self.up[which], self.down[which].mT)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.experts = nn.Linear(7, 4), Experts()

    def forward(self, x):
        return self.experts(self.first(x), torch.arange(len(x)) % 3)


DOWN, UP = (6, 5), (5, 4)
X = torch.randn(4, 7, generator=torch.Generator().manual_seed(3))


def of(seed=1, experts=(0, 2), leaves=("down", "up"), rank=2):
    """An adapter of some of the experts, and of the layer before them."""
    sizes = {"down": DOWN, "up": UP}
    deltas = {
        f"experts.{leaf}[{n}]": delta(*sizes[leaf], rank, seed=seed * 10 + n, scale=0.5)
        for leaf in leaves
        for n in experts
    }
    return Adapter({**deltas, "first": delta(4, 7, seed=seed)})


def added(model, one, weight):
    """Change the weights of a model by hand."""
    with torch.no_grad():
        for name, change in one.deltas.items():
            dense = weight * change.scale * change.B @ change.A
            if name == "first":
                model.first.weight += dense
            else:
                parameter = getattr(model.experts, name[8:-3])
                parameter[int(name[-2])] += dense if parameter is model.experts.down else dense.T
    return model


def by_hand(*parts, model=None):
    model = model or Model()
    for one, weight in parts:
        added(model, one, weight)
    return model(X)


@pytest.mark.parametrize("grad", [True, False])
def test_a_weighted_sum_is_that_of_dense_algebra(grad):
    one, other = of(1), of(2, experts=(0, 1, 2), rank=3)
    with torch.set_grad_enabled(grad), stack(model := Model(), [("a", one, 0.7), ("b", other, -1.3)]):
        assert close(model(X), by_hand((one, 0.7), (other, -1.3)))


def test_weights_change_in_place_and_only_picks():
    one, other = of(1), of(2)
    with torch.no_grad(), stack(model := Model(), [("a", one, 1.0), ("b", other, 0.5)]) as live:
        model(X)
        live.weights = {"a": 0.25}
        assert close(model(X), by_hand((one, 0.25)))
        live.only("b")
        assert close(model(X), by_hand((other, 0.5)))


@pytest.mark.parametrize("grad", [True, False])
def test_what_is_off_is_not_computed(grad):
    broken = of(2)
    for change in broken.deltas.values():
        change.A.fill_(torch.nan)
    with torch.set_grad_enabled(grad), stack(model := Model(), [("a", of(1), 1.0), ("broken", broken, 0.0)]) as live:
        assert close(model(X), by_hand((of(1), 1.0)))
        live.weights = {}
        assert torch.equal(model(X), Model()(X))
        live.weights = {"broken": 1.0}
        assert model(X).isnan().any()


def test_gradients_flow_into_the_parameters_beneath():
    model, wanted = Model().train(), added(Model(), of(), 0.5)
    wanted(X).square().sum().backward()
    with stack(model, [("a", of(), 0.5)]):
        assert model.training
        model(X).square().sum().backward()
    for got, want in zip(model.parameters(), wanted.parameters(), strict=True):
        assert close(got.grad, want.grad, 1e-4)


def test_a_sum_made_in_inference_mode_serves_a_frozen_model_that_is_trained_through():
    model, x = Model().requires_grad_(False), X.clone().requires_grad_()
    with stack(model, [("a", of(), 1.0)]):
        with torch.inference_mode():
            model(X)
        model(x).sum().backward()
    assert x.grad.abs().sum() > 0


def during(model):
    """The parameters as the forward of the experts saw them."""
    seen = {}
    model.experts.inside = lambda: seen.update(down=model.experts.down, up=model.experts.up)
    model(X.to(model.first.weight.dtype))
    return seen


@pytest.mark.parametrize("autocast", [True, False])
def test_the_sum_is_rounded_once(autocast):
    model, one, other = Model().bfloat16(), of(1), of(2)
    exact = added(added(copy.deepcopy(model).double(), one, 0.7), other, 0.3)
    rounding = torch.autocast("cpu", torch.bfloat16, enabled=autocast)
    with torch.no_grad(), stack(model, [("a", one, 0.7), ("b", other, 0.3)]), rounding:
        got = during(model)
    for leaf, tensor in got.items():
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, getattr(exact.experts, leaf).float().bfloat16())


def test_blocks_of_matrices_are_the_whole(monkeypatch):
    wanted = by_hand((of(), 1.0))
    monkeypatch.setattr(experts_gate, "BLOCK", 60)
    with stack(model := Model(), [("a", of(), 1.0)]):
        assert close(model(X), wanted)


@torch.no_grad()
def test_a_whole_tensor_is_what_the_changes_are_added_to():
    head = torch.randn(3, 6, 5, generator=torch.Generator().manual_seed(9))
    wanted = Model()
    wanted.experts.down.copy_(head)
    parts = [("a", of(), 1.0), ("head", Adapter(tensors={"experts.down": head}), 1.0)]
    with stack(model := Model(), parts) as live:
        assert close(model(X), by_hand((of(), 1.0), model=wanted))
        live.only("a")
        assert close(model(X), by_hand((of(), 1.0)))

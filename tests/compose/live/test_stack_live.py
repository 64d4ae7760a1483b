"""Adapters come and go on a live model, and stacks nest."""

from dataclasses import replace

import pytest
import torch
import transformers
from torch import nn

from adapterhub.compose.live import layers
from adapterhub.compose.live.stack import stack
from adapterhub.errors import DoesNotFit, NotFound, WrongUsage
from adapterhub.lora.adapter import Adapter, Gain
from adapterhub.lora.delta import LINEAR, Delta, Form
from tests.compose.live.test_stack import close, of
from tests.lora.builders import delta


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def linear(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(5, 6).double(), torch.randn(4, 5).double()


def scaling(by):
    """An adapter that multiplies what the base answers."""
    return Adapter(gains={"": Gain(torch.full((6,), float(by)), "out")})


def test_adapters_are_attached_to_a_live_model():
    model, x = linear()
    one, other = of(delta(seed=1)), of(delta(seed=2, rank=3))
    with stack(model, [("a", one, 1.0), ("b", other, 0.5)]):
        wanted = model(x)
    with stack(model, [("a", one, 1.0)]) as live:
        live.attach("b", other, 0.5)
        assert live.weights == {"a": 1.0, "b": 0.5}
        assert close(model(x), wanted, 1e-12)
        live.only("b")
        assert live.weights == {"a": 0.0, "b": 0.5}
    assert not model._forward_hooks


def test_an_expression_is_attached_by_the_reader_the_stack_was_given():
    model, x = linear()
    read = {"a*2 + b": [("a", of(delta(seed=1)), 2.0), ("b", of(delta(seed=2)), 1.0)]}.__getitem__
    with stack(model, read("a*2 + b")):
        wanted = model(x)
    with stack(model, [], read=read) as live:
        live.add("a*2 + b")
        assert close(model(x), wanted, 1e-12)
    with pytest.raises(WrongUsage, match="cannot read expressions"):
        stack(model, []).add("a")


def test_adapters_are_taken_off_a_live_model():
    model, x = linear()
    plain = model(x)
    with stack(model, [("b", of(delta(seed=2)), 0.5)]):
        wanted = model(x)
    with stack(model, [("a", of(delta(seed=1)), 1.0), ("b", of(delta(seed=2)), 0.5)]) as live:
        live.remove("a")
        assert live.weights == {"b": 0.5}
        assert close(model(x), wanted, 1e-12)
        with pytest.raises(NotFound, match="a: not in this stack"):
            live.remove("a")
        live.remove("b")
        assert not model._forward_hooks
        assert torch.equal(model(x), plain)
        live.attach("a", of(delta(seed=1)))
        assert not close(model(x), plain)


def test_what_does_not_fit_leaves_a_live_stack_as_it_was():
    model, x = linear()
    with stack(model, [("a", of(delta()), 1.0)]) as live:
        before = model(x)
        with pytest.raises(DoesNotFit):
            live.attach("b", of(delta(7, 5)))
        with pytest.raises(WrongUsage, match="more than once"):
            live.attach("a", of(delta()))
        assert live.weights == {"a": 1.0}
        assert torch.equal(model(x), before)


def test_a_stack_is_changed_before_it_is_entered_too():
    model, x = linear()
    live = stack(model, [("a", of(delta(seed=1)), 1.0), ("b", of(delta(seed=2)), 1.0)])
    live.remove("a")
    live.attach("c", of(delta(seed=3)))
    live.weights = {"c": 2.0}
    assert not model._forward_hooks
    with live:
        got = model(x)
    with stack(model, [("c", of(delta(seed=3)), 2.0)]):
        assert close(got, model(x), 1e-12)


def test_a_stack_is_entered_once_at_a_time():
    live = stack(nn.Linear(5, 6), [("a", of(delta()), 1.0)])
    with live, pytest.raises(WrongUsage, match="attached already"):
        live.__enter__()
    with live:
        assert live.weights == {"a": 1.0}


@pytest.mark.parametrize("inner_first", [True, False])
def test_stacks_nest_and_leave_in_any_order(inner_first):
    """What multiplies the base's answer does not see what the other stack added."""
    model, x = linear()
    plain = model(x)
    add, double = of(delta()), scaling(2)
    with stack(model, [("a", add, 1.0)]):
        added = model(x)
    outer, inner = stack(model, [("a", add, 1.0)]), stack(model, [("b", double, 1.0)])
    outer.__enter__()
    inner.__enter__()
    assert close(model(x), added + plain, 1e-12)
    (inner if inner_first else outer).__exit__(None, None, None)
    assert close(model(x), added if inner_first else 2 * plain, 1e-12)
    (outer if inner_first else inner).__exit__(None, None, None)
    assert torch.equal(model(x), plain)
    assert not model._forward_hooks


def test_several_kinds_of_change_add_up_against_the_base():
    model, x = linear()
    W, b = model.weight.clone(), model.bias.clone()
    low = delta()
    bias, inside = torch.randn(6), torch.rand(5).double()
    parts = [
        ("low", Adapter({"": low}, shifts={"": torch.ones(6)}), 0.5),
        ("bias", Adapter(biases={"": bias}), 2.0),
        ("out", scaling(3), -1.0),
        ("in", Adapter(gains={"": Gain(inside, "in")}), 1.5),
    ]
    with stack(model, parts):
        got = model(x)
    base = x @ W.T + b
    wanted = base + 0.5 * (x @ low.dense().double().T + 1) + 2 * (bias - b) - 2 * base + 1.5 * (x * (inside - 1)) @ W.T
    assert close(got, wanted, 1e-6)


def test_dora_is_linear_in_its_weight_and_its_lengths_are_frozen():
    model, x = linear()
    low, m = delta(), torch.rand(6).double()
    W, b = model.weight.clone(), model.bias.clone()
    changed = W + low.dense().double()
    c = m / changed.norm(dim=1)
    with stack(model, [("a", Adapter({"": low}, magnitudes={"": m}), 0.7)]):
        assert close(model(x), x @ (W + 0.7 * (c[:, None] * changed - W)).T + b, 1e-6)
        model.weight.mul_(2)
        assert close(model(x), x @ (2 * W + 0.7 * (c[:, None] * (changed + W) - 2 * W)).T + b, 1e-6)


@pytest.mark.parametrize("module", [nn.Linear(5, 7), nn.Embedding(5, 7), transformers.pytorch_utils.Conv1D(7, 5)])
def test_a_wide_weight_is_measured_in_blocks(module, monkeypatch):
    form = Form("embedding") if isinstance(module, nn.Embedding) else LINEAR
    low, m = replace(delta(7, 5), form=form), torch.rand(7)
    x = torch.arange(5) if form.kind == "embedding" else torch.randn(4, 5)
    parts = [("a", Adapter({"": low}, magnitudes={"": m}), 1.0)]
    with stack(module, parts):
        whole = module(x)
    monkeypatch.setattr(layers, "BLOCK", 11)
    with stack(module, parts):
        assert close(module(x), whole)
    W = module.weight.detach()
    changed = (W if isinstance(module, nn.Linear) else W.T) + low.dense()
    rows = m[:, None] * nn.functional.normalize(changed, dim=1)
    assert close(whole, rows.T if form.kind == "embedding" else nn.functional.linear(x, rows, module.bias))


def test_dora_leaves_a_dead_row_dead():
    model, x = linear()
    model.weight[1] = 0
    low = Delta(delta().A, torch.zeros(6, 2))
    untrained = Adapter({"": low}, magnitudes={"": model.weight.norm(dim=1)})
    plain = model(x)
    with stack(model, [("a", untrained, 1.0)]):
        assert close(model(x), plain, 1e-9)

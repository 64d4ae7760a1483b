"""Types and gradients: the adapters compute in what their base computes in, and stay out of the way of training."""

import pytest
import torch
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.lora.delta import Delta, Form
from adapterhub.lora.load import load
from tests.compose.builders import adapter, ask, tiny
from tests.compose.live.test_stack import KINDS, close, of, stacked
from tests.lora.builders import delta, entry_of


def test_gradients_flow_through_to_the_base_and_the_input():
    model, x = nn.Linear(5, 6).double(), torch.randn(4, 5).double().requires_grad_()
    one = delta()
    with stack(model, [("a", of(one), 0.5)]) as live:
        answer = model(x)
        live.weights = {"a": 2.0}  # what is computed already keeps the weight it was computed with
        answer.sum().backward()
    change = model.weight + 0.5 * one.dense().double()
    assert close(x.grad, change.sum(0).expand(4, 5), 1e-6)
    assert close(model.weight.grad, x.detach().sum(0).expand(6, 5), 1e-9)


def test_what_is_made_in_inference_mode_serves_training():
    model, x = nn.Linear(5, 6), torch.randn(4, 5, requires_grad=True)
    with torch.inference_mode():
        live = stack(model, [("a", of(delta()), 1.0), ("b", of(delta()), 1.0)])
        live.__enter__()
        model(x)
        live.weights = {"a": 1.0}
        model(x)
    model(x).sum().backward()
    live.weights = {"b": 1.0}
    model(x).sum().backward()
    live.__exit__(None, None, None)
    assert x.grad is not None


def test_a_model_that_changes_its_type_is_followed():
    model, x, one = nn.Linear(5, 6).bfloat16(), torch.randn(4, 5), delta()
    with torch.no_grad(), stack(model, [("a", of(one), 0.7)]):
        model(x.bfloat16())
        double = model.double()(x.double())
        wanted = nn.functional.linear(x.double(), model.weight + 0.7 * one.dense().double(), model.bias)
        assert close(double, wanted, 1e-6)  # from the adapter's own numbers, not from what bf16 left of them


def test_half_precision_keeps_the_weights_exact():
    """A weight of 0.7 rounded to bf16 would be 0.69921875."""
    model = nn.Linear(1, 1, bias=False).bfloat16()
    nn.init.zeros_(model.weight)
    one = Delta(torch.ones(1, 1), torch.ones(1, 1), 1024.0)
    with torch.no_grad(), stack(model, [("a", of(one), 0.7)]):
        assert model(torch.ones(1, 1).bfloat16()) == torch.tensor(716.8).bfloat16()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", KINDS)
def test_a_base_of_half_precision_answers_in_it(tmp_path, kind, dtype):
    one = load(entry_of(adapter(tmp_path, kind, use_dora=True)))
    got = stacked(tiny(kind).to(dtype), kind, [("a", one, 1.0)])
    assert got.dtype == dtype
    assert close(got.float(), stacked(tiny(kind), kind, [("a", one, 1.0)]), 0.3)


@pytest.mark.parametrize("kind", KINDS)
def test_autocast_computes_the_adapters_in_its_type(tmp_path, kind):
    one = load(entry_of(adapter(tmp_path, kind, use_dora=True)))
    model = tiny(kind)
    with torch.no_grad(), stack(model, [("a", one, 1.0)]):
        exact = ask(model, kind)
        with torch.autocast("cpu", torch.bfloat16):
            half = ask(model, kind)
    assert half.dtype == torch.bfloat16
    assert close(half.float(), exact, 0.3)


def test_an_embedding_keeps_its_type_under_autocast():
    model, one = nn.Embedding(9, 6), Delta(torch.randn(2, 9), torch.randn(6, 2), form=Form("embedding"))
    with torch.no_grad(), stack(model, [("a", of(one), 1.0)]):
        exact = model(torch.arange(4))
        with torch.autocast("cpu", torch.bfloat16):
            got = model(torch.arange(4))
    assert got.dtype == torch.float32
    assert close(got, exact, 0.1)


def test_a_large_scale_overflows_no_fp16_where_the_change_does_not():
    model = nn.Linear(64, 8).half()
    small = Delta(torch.full((2, 64), 0.25).half(), torch.full((8, 2), 1e-4).half(), 64.0)
    x = torch.full((3, 64), 100.0).half()
    with torch.no_grad():
        plain = model(x)
        with stack(model, [("a", of(small), 1.0)]):
            got = model(x)
    wanted = plain.float() + x.float() @ small.dense().T
    assert torch.isfinite(got).all()
    assert close(got.float(), wanted, 0.3)


def test_a_model_without_values_tells_its_shapes():
    model, change = nn.Linear(4, 3, device="meta"), Delta(torch.ones(2, 4), torch.ones(3, 2))
    with stack(model, [("a", of(change), 1.0)]):
        assert model(torch.ones(5, 4, device="meta")).shape == (5, 3)

"""Whole tensors stand in place of the model's for as long as they are on; what is measured is the model's own."""

import pytest
import torch
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.errors import DoesNotFit
from adapterhub.lora.adapter import Adapter
from tests.compose.live.test_stack import close
from tests.compose.live.test_stack_live import linear
from tests.lora.builders import delta


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def head(seed, shape=(6, 5)):
    torch.manual_seed(seed)
    return Adapter(tensors={"weight": torch.randn(shape)})


def test_a_whole_tensor_stands_in_place_while_its_adapter_is_on():
    model, x = linear()
    own, plain = model.weight, model(x)
    one = head(1)
    with stack(model, [("head", one, 0.3)]) as live:
        assert close(model(x), nn.functional.linear(x, one.tensors["weight"].double(), model.bias))
        assert not model.weight.requires_grad
        live.weights = {}
        assert model.weight is own
        live.weights = {"head": 1.0}
        assert model.weight is not own
    assert model.weight is own
    assert torch.equal(model(x), plain)


def test_a_copy_of_the_models_own_tensor_is_nobodys():
    model, x = linear()
    own, plain = model.weight, model(x)
    copy = Adapter(tensors={"weight": model.weight.clone()})
    with stack(model, [("one", copy, 1.0), ("two", copy, 1.0)]):
        assert model.weight is own
        assert torch.equal(model(x), plain)


@pytest.mark.parametrize("inner_first", [True, False])
def test_whole_tensors_of_nested_stacks_leave_in_any_order(inner_first):
    model, _ = linear()
    own = model.weight
    outer, inner = stack(model, [("a", head(1), 1.0)]), stack(model, [("b", head(2), 1.0)])
    outer.__enter__()
    inner.__enter__()
    assert torch.equal(model.weight.float(), head(2).tensors["weight"])
    (inner if inner_first else outer).__exit__(None, None, None)
    assert torch.equal(model.weight.float(), head(1 if inner_first else 2).tensors["weight"])
    (outer if inner_first else inner).__exit__(None, None, None)
    assert model.weight is own


def test_lengths_are_measured_against_the_models_own_weight():
    """Whether or not somebody's whole tensor stands in its place at that moment."""
    model, x = linear()
    dora = ("dora", Adapter({"": delta()}, magnitudes={"": torch.rand(6)}), 1.0)
    with stack(model, [("head", head(1), 1.0), dora]):
        wanted = model(x)
    with stack(model, [("head", head(1), 1.0)]) as live:
        live.attach(*dora)
        assert torch.equal(model.weight.float(), head(1).tensors["weight"])
        assert close(model(x), wanted, 1e-12)


def test_nested_stacks_measure_the_models_own_in_any_order():
    """DoRA's lengths, the bias that another stands in place of, and copies of the model's own head."""
    model, x = linear()
    whole = Adapter(tensors={"weight": torch.randn(6, 5), "bias": torch.randn(6)})
    measured = {"": delta()}, {"": torch.randn(6)}
    others = {
        "dora": Adapter(measured[0], magnitudes={"": torch.rand(6)}),
        "bias": Adapter(biases=measured[1]),
        "copy": Adapter(measured[0], tensors={"weight": model.weight.clone()}),
    }
    for name, other in others.items():
        parts = [("head", whole, 1.0), (name, other, 1.0)]
        with stack(model, parts):
            wanted = model(x)
        for first, second in (parts, parts[::-1]):
            with stack(model, [first]), stack(model, [second]):
                assert close(model(x), wanted, 1e-12), name
            with stack(model, [first]) as live:
                live.attach(*second)
                assert close(model(x), wanted, 1e-12), name


def test_a_buffer_that_was_moved_meanwhile_is_given_back():
    model = nn.BatchNorm1d(3).eval()
    own = model.running_mean
    with stack(model, [("a", Adapter(tensors={"running_mean": torch.ones(3)}), 1.0)]):
        model.double()
        assert model.running_mean.dtype == torch.float64
    assert model.running_mean is own
    assert own.tolist() == [0, 0, 0]
    assert own.dtype == torch.float64


def test_a_buffer_is_put_in_place_too():
    model = nn.BatchNorm1d(3).eval()
    own = model.running_mean
    with stack(model, [("a", Adapter(tensors={"running_mean": torch.ones(3)}), 1.0)]):
        assert model.running_mean.tolist() == [1, 1, 1]
    assert model.running_mean is own


def test_a_model_that_was_moved_meanwhile_gets_its_own_tensor_where_it_is_now():
    model, _ = linear()
    own = model.weight
    with stack(model, [("a", head(1), 1.0)]):
        model.float()
    assert model.weight is own
    assert own.dtype == torch.float32


def test_a_whole_batch_norm_is_put_in_place_with_its_counter():
    model = nn.Sequential(nn.BatchNorm1d(3)).eval()
    trained = nn.BatchNorm1d(3)
    trained(torch.randn(8, 3))
    whole = {f"0.{name}": value.clone() for name, value in trained.state_dict().items()}
    own, x = dict(model.named_buffers()), torch.randn(4, 3)
    with stack(model, [("a", Adapter(tensors=whole), 1.0)]):
        assert model[0].num_batches_tracked.item() == 1
        assert torch.equal(model(x), trained.eval()(x))
        model.train()(x)
    assert all(buffer is own[name] for name, buffer in model.named_buffers())
    assert model[0].num_batches_tracked.item() == 0


def test_a_head_of_a_quantised_weight_says_what_is_stored():
    model = nn.Linear(5, 6)
    model.weight = nn.Parameter(torch.zeros(6, 5, dtype=torch.int8), requires_grad=False)
    with pytest.raises(DoesNotFit, match="weight is stored as int8, the adapter has float32: the model is quantised"):
        stack(model, [("a", head(1), 1.0)])


def test_dora_leaves_the_bias_of_a_head_that_comes_and_goes_alone():
    """Whose bias stands there is looked at when the module is called, whichever stack put it there."""
    model, x = linear()
    low, m = delta(), torch.rand(6).double()
    W = model.weight.clone()
    change = (m / (W + low.dense().double()).norm(dim=1))[:, None] * (W + low.dense().double()) - W
    bias = Adapter(tensors={"bias": torch.randn(6)})
    with stack(model, [("dora", Adapter({"": low}, magnitudes={"": m}), 0.7)]):
        plain = x @ (W + 0.7 * change).T
        assert close(model(x), plain + model.bias, 1e-6)
        with stack(model, [("head", bias, 1.0)]):
            assert close(model(x), plain + bias.tensors["bias"], 1e-6)
        assert close(model(x), plain + model.bias, 1e-6)


def exchange_the_module(model):
    model.head = nn.Linear(4, 3)


def exchange_the_parameter(model):
    model.head.weight = nn.Parameter(torch.ones(3, 4))


@pytest.mark.parametrize("exchange", [exchange_the_module, exchange_the_parameter])
def test_a_place_that_somebody_else_has_filled_meanwhile_is_told(exchange):
    """As resize_token_embeddings and tie_weights do: the adapter's tensor is there no longer, or is there for good."""
    model = nn.ModuleDict({"head": nn.Linear(4, 3), "body": nn.Linear(4, 4)})
    adapter = Adapter({"body": delta(4, 4)}, tensors={"head.weight": torch.ones(3, 4)})
    live = stack(model, [("a", adapter, 1.0)]).__enter__()
    exchange(model)
    with pytest.warns(UserWarning, match=r"^head\.weight was exchanged while adapters were on it"):
        live.close()
    assert not model.body._forward_hooks


def test_a_module_that_was_exchanged_meanwhile_is_told():
    model = nn.ModuleDict({"head": nn.Linear(4, 3)})
    live = stack(model, [("a", Adapter({"head": delta(3, 4)}), 1.0)]).__enter__()
    exchange_the_module(model)
    with pytest.warns(UserWarning, match="^head was exchanged"):
        live.close()

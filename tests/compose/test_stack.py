"""Adapters on a live model: peft and dense linear algebra are the judges, and nothing stays behind."""

import math

import pytest
import torch
from peft import PeftModel
from torch import nn

from adapterhub.compose.stack import stack
from adapterhub.errors import DoesNotFit, NotFound, WrongUsage
from adapterhub.lora.delta import Delta
from adapterhub.lora.load import load
from tests.compose.builders import adapter, ask, tiny
from tests.lora.builders import delta, entry_of

# peft 0.21 asks transformers 5.23 for an attribute under its old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

KINDS = ["llama", "gpt2", "bert", "vit"]


def close(got, wanted, tolerance=1e-5):
    return torch.allclose(got, wanted, atol=tolerance, rtol=tolerance)


def deltas_of(folder):
    return load(entry_of(folder))


def stacked(model, kind, parts):
    with torch.no_grad(), stack(model, parts):
        return ask(model, kind)


@torch.no_grad()
def by_hand(kind, parts):
    """The answer of a model whose weights were changed by the dense sum, in float64."""
    model = tiny(kind).double()
    for deltas, weight in parts:
        for name, change in deltas.items():
            module = model.get_submodule(name)
            dense = weight * change.scale * change.B.double() @ change.A.double()
            module.weight += dense.T if type(module).__name__ == "Conv1D" else dense
    return ask(model, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "config", [{}, {"use_rslora": True}, {"rank_pattern": {"0.*": 2}, "alpha_pattern": {"1.*": 3}}]
)
def test_one_adapter_answers_as_peft_does(tmp_path, kind, config):
    folder = adapter(tmp_path, kind, **config)
    with torch.no_grad():
        wanted = ask(PeftModel.from_pretrained(tiny(kind), str(folder)).eval(), kind)
    got = stacked(tiny(kind), kind, [("a", deltas_of(folder), 1.0)])
    assert close(got, wanted)
    assert not close(got, ask(tiny(kind), kind), 1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_weighted_sum_is_that_of_dense_algebra(tmp_path, kind):
    one = deltas_of(adapter(tmp_path / "a", kind, 1))
    other = deltas_of(adapter(tmp_path / "b", kind, 2, r=3, target_modules=_some_targets(kind)))
    wanted = by_hand(kind, [(one, 0.7), (other, -1.3)])
    assert close(stacked(tiny(kind), kind, [("a", one, 0.7), ("b", other, -1.3)]), wanted.float())
    assert close(stacked(tiny(kind).double(), kind, [("a", one, 0.7), ("b", other, -1.3)]), wanted, 1e-12)


def _some_targets(kind):
    return {"llama": ["q_proj", "o_proj"], "gpt2": ["c_attn"], "bert": ["value"], "vit": ["fc2", "fc1"]}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_leaving_gives_the_model_back_bit_for_bit(tmp_path, kind):
    model, deltas = tiny(kind), deltas_of(adapter(tmp_path, kind))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        answer = ask(model, kind)
        with stack(model, [("a", deltas, 1.0)]):
            assert list(model.state_dict()) == list(before)
            ask(model, kind)
        assert torch.equal(ask(model, kind), answer)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_an_error_inside_takes_the_adapters_off_too():
    model = nn.Linear(5, 6)
    with pytest.raises(KeyError), stack(model, [("a", {"": delta()}, 1.0)]):
        raise KeyError
    assert not model._forward_hooks


def test_an_adapter_of_transformers_4_fits_a_vit_of_transformers_5(tmp_path):
    deltas = deltas_of(adapter(tmp_path, "vit"))
    renamed = {
        name.replace("vit.layers", "vit.encoder.layer")
        .replace("attention.q_proj", "attention.attention.query")
        .replace("mlp.fc1", "intermediate.dense"): change
        for name, change in deltas.items()
    }
    assert "vit.encoder.layer.1.attention.attention.query" in renamed
    wanted = stacked(tiny("vit"), "vit", [("a", deltas, 1.0)])
    assert torch.equal(stacked(tiny("vit"), "vit", [("a", renamed, 1.0)]), wanted)


def one_layer(weight=1.0, seed=0, **options):
    return {"": delta(seed=seed, **options)}, weight


def test_weights_are_absolute_and_what_is_not_named_is_off():
    model, x = nn.Linear(5, 6).double(), torch.randn(4, 5).double()
    one, other = delta(), delta(seed=1, scale=2.0)
    with torch.no_grad(), stack(model, [("a", {"": one}, 0.5), ("b", {"": other}, 1.0)]) as live:
        for weights in ({"a": 2.0, "b": -1.0}, {"b": 0.5}, {"a": 1.0}, {}, {"a": 1, "b": 1}):
            live.weights = weights
            full = {"a": 0.0, "b": 0.0, **weights}
            assert live.weights == full
            wanted = model.weight + full["a"] * one.dense().double() + full["b"] * other.dense().double()
            assert close(model(x), nn.functional.linear(x, wanted, model.bias), 1e-6)


def test_an_adapter_that_is_off_is_not_computed():
    model, x = nn.Linear(5, 6), torch.randn(4, 5)
    broken = Delta(torch.full((2, 5), math.nan), torch.ones(6, 2))
    plain = model(x)
    with stack(model, [("good", {"": delta()}, 0.0), ("bad", {"": broken}, 0.0)]) as live:
        assert torch.equal(model(x), plain)
        live.weights = {"good": 1.0}
        assert torch.isfinite(model(x)).all()
        live.weights = {"bad": 1.0}
        assert torch.isnan(model(x)).all()


def test_a_weight_change_packs_nothing_anew():
    model, x = nn.Linear(5, 6), torch.randn(4, 5)
    with stack(model, [("a", {"": delta()}, 1.0)]) as live:
        model(x)
        gate = next(iter(model._forward_hooks.values()))
        packed = gate._packed
        live.weights = {"a": 0.25}
        model(x)
        assert gate._packed is packed


def test_weights_can_be_read_but_not_changed_one_by_one():
    live = stack(nn.Linear(5, 6), [("a", {"": delta()}, 0.5)])
    assert live.weights == {"a": 0.5}
    with pytest.raises(TypeError):
        live.weights["a"] = 1.0


def test_an_unknown_name_is_not_found_and_changes_nothing():
    live = stack(nn.Linear(5, 6), [("ada/a", {"": delta()}, 0.5)])
    with pytest.raises(NotFound, match="ada/b: not in this stack") as refusal:
        live.weights = {"ada/b": 1.0, "ada/a": 1.0}
    assert "ada/a" in refusal.value.hint
    assert live.weights == {"ada/a": 0.5}


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_a_weight_is_finite(weight):
    with pytest.raises(WrongUsage, match="the weight of a"):
        stack(nn.Linear(5, 6), [("a", {"": delta()}, weight)])


def test_the_same_name_twice_is_refused():
    with pytest.raises(WrongUsage, match="more than once"):
        stack(nn.Linear(5, 6), [("a", {"": delta()}, 0.5), ("a", {"": delta()}, 0.5)])


def test_everything_that_does_not_fit_is_said_at_once_and_nothing_attached(tmp_path):
    model = tiny("llama")
    good = {f"model.layers.{n}.self_attn.q_proj": delta(16, 16) for n in range(2)}
    missing = {f"model.layers.{n}.self_attn.query": delta(16, 16) for n in range(2)}
    wrong = {f"model.layers.{n}.self_attn.o_proj": delta(16, 8) for n in range(2)}
    with pytest.raises(DoesNotFit) as refusal:
        stack(model, [("ada/a", {**good, **missing}, 1.0), ("ada/b", {**wrong, "model.norm": delta()}, 1.0)])
    said = str(refusal.value)
    assert "nothing was attached to LlamaForCausalLM" in said
    assert "ada/a: no module model.layers.0-1.self_attn.query" in said
    assert "ada/b: model.layers.0-1.self_attn.o_proj is 16×16, the adapter changes 16×8" in said
    assert "model.norm cannot take it: it is transformers" in said
    assert not any(module._forward_hooks for module in model.modules())


def test_attention_that_reads_its_weights_directly_is_refused():
    model = nn.MultiheadAttention(8, 2)
    with pytest.raises(DoesNotFit, match="reads its weight without calling it"):
        stack(model, [("a", {"out_proj": delta(8, 8)}, 1.0)])


def test_a_quantised_weight_is_refused():
    model = nn.Linear(5, 6)
    model.weight = nn.Parameter(model.weight.to(torch.int8), requires_grad=False)
    with pytest.raises(DoesNotFit, match=r"its weight is int8 \(6, 5\), so it is quantised"):
        stack(model, [("a", {"": delta()}, 1.0)])


def test_torchs_fast_path_does_not_pass_the_adapters_by():
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = torch.randn(2, 3, 8)
    with torch.no_grad():
        plain = model(x)
        with stack(model, [("a", {"linear1": delta(16, 8)}, 1.0)]):
            assert not close(model(x), plain, 1e-3)


def test_stacks_nest():
    model, x = nn.Linear(5, 6), torch.randn(4, 5)
    one, other = one_layer(), one_layer(seed=1)
    with torch.no_grad():
        with stack(model, [("a", *one), ("b", *other)]):
            both = model(x)
        with stack(model, [("a", *one)]):
            outer = model(x)
            with stack(model, [("a", *other)]):
                assert close(model(x), both)
            assert torch.equal(model(x), outer)


def test_a_stack_is_entered_once_at_a_time():
    live = stack(nn.Linear(5, 6), [("a", *one_layer())])
    with live, pytest.raises(WrongUsage, match="attached already"):
        live.__enter__()
    with live:
        assert live.weights == {"a": 1.0}


def test_gradients_flow_through_to_the_base_and_the_input():
    model, x = nn.Linear(5, 6).double(), torch.randn(4, 5).double().requires_grad_()
    one = delta()
    with stack(model, [("a", {"": one}, 0.5)]) as live:
        answer = model(x)
        live.weights = {"a": 2.0}  # what is computed already keeps the weight it was computed with
        answer.sum().backward()
    change = model.weight + 0.5 * one.dense().double()
    assert close(x.grad, change.sum(0).expand(4, 5), 1e-6)
    assert close(model.weight.grad, x.detach().sum(0).expand(6, 5), 1e-9)


def test_a_pack_made_in_inference_mode_serves_training():
    model, x = nn.Linear(5, 6), torch.randn(4, 5, requires_grad=True)
    with stack(model, [("a", *one_layer())]):
        with torch.inference_mode():
            model(x)
        model(x).sum().backward()
    assert x.grad is not None


def test_a_model_that_changes_its_type_is_followed():
    model, x = nn.Linear(5, 6), torch.randn(4, 5)
    with torch.no_grad(), stack(model, [("a", *one_layer())]):
        single = model(x)
        double = model.double()(x.double())
        assert double.dtype == torch.float64
        assert close(double.float(), single)


def test_half_precision_keeps_the_weights_exact():
    """A weight of 0.7 rounded to bf16 would be 0.69921875."""
    model = nn.Linear(1, 1, bias=False).bfloat16()
    nn.init.zeros_(model.weight)
    one = Delta(torch.ones(1, 1), torch.ones(1, 1), 1024.0)
    with torch.no_grad(), stack(model, [("a", {"": one}, 0.7)]):
        assert model(torch.ones(1, 1).bfloat16()) == torch.tensor(716.8).bfloat16()


def test_autocast_computes_the_adapters_in_its_type():
    model, x = nn.Linear(5, 6), torch.randn(4, 5)
    with torch.no_grad(), stack(model, [("a", *one_layer())]):
        exact = model(x)
        with torch.autocast("cpu", torch.bfloat16):
            half = model(x)
    assert half.dtype == torch.bfloat16
    assert close(half.float(), exact, 0.1)


@pytest.mark.parametrize("shape", [(5,), (0, 5), (2, 3, 4, 5)])
def test_every_shape_of_batch_goes_through(shape):
    model, x = nn.Linear(5, 6).double(), torch.randn(shape).double()
    one = delta()
    with torch.no_grad(), stack(model, [("a", {"": one}, 1.0)]):
        got = model(input=x)
    assert close(got, nn.functional.linear(x, model.weight + one.dense().double(), model.bias), 1e-6)


def test_the_deltas_are_left_alone():
    one, model = delta(), nn.Linear(5, 6)
    before = one.A.clone(), one.B.clone()
    with torch.no_grad(), stack(model, [("a", {"": one}, 3.0)]):
        model(torch.randn(4, 5))
    assert torch.equal(one.A, before[0])
    assert torch.equal(one.B, before[1])

"""Adapters on a live model: dense linear algebra is the judge, weights are absolute, and nothing stays behind."""

import math

import pytest
import torch
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.errors import DoesNotFit, NotFound, WrongUsage
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta
from adapterhub.lora.load import load
from tests.compose.builders import adapter, ask, tiny
from tests.lora.builders import delta, entry_of

KINDS = ["llama", "gpt2", "bert", "vit"]
LESS = {"llama": ["q_proj", "o_proj"], "gpt2": ["c_attn"], "bert": ["value"], "vit": ["fc2", "fc1"]}


def close(got, wanted, tolerance=1e-5):
    return torch.allclose(got, wanted, atol=tolerance, rtol=tolerance)


def of(change, path=""):
    """An adapter of one delta."""
    return Adapter({path: change})


def stacked(model, kind, parts):
    with torch.no_grad(), stack(model, parts):
        return ask(model, kind)


@torch.no_grad()
def by_hand(kind, parts):
    """The answer of a model whose weights were changed by the dense sum, in float64."""
    model = tiny(kind).double()
    for one, weight in parts:
        for name, change in one.deltas.items():
            module = model.get_submodule(name)
            dense = weight * change.scale * change.B.double() @ change.A.double()
            turned = type(module).__name__ in ("Conv1D", "Embedding")
            module.weight += (dense.T if turned else dense).view(module.weight.shape)
    return ask(model, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_weighted_sum_is_that_of_dense_algebra(tmp_path, kind):
    one = load(entry_of(adapter(tmp_path / "a", kind, 1)))
    other = load(entry_of(adapter(tmp_path / "b", kind, 2, r=3, target_modules=LESS[kind])))
    parts = [("a", one, 0.7), ("b", other, -1.3)]
    wanted = by_hand(kind, [(one, 0.7), (other, -1.3)])
    assert close(stacked(tiny(kind), kind, parts), wanted.float(), 1e-4)
    assert close(stacked(tiny(kind).double(), kind, parts), wanted, 1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_leaving_gives_the_model_back_bit_for_bit(tmp_path, kind):
    model, one = tiny(kind), load(entry_of(adapter(tmp_path, kind, bias="all", use_dora=True)))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    objects = [id(value) for value in (*model.parameters(), *model.buffers(), *model.modules())]
    flags = [value.requires_grad for value in model.parameters()]
    model.train()
    model.get_submodule(next(iter(one.deltas))).eval()
    modes = [module.training for module in model.modules()]
    with torch.no_grad(), stack(model, [("a", one, 1.0)]):
        assert list(model.state_dict()) == list(before)
        ask(model, kind)
        assert modes == [module.training for module in model.modules()]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert objects == [id(value) for value in (*model.parameters(), *model.buffers(), *model.modules())]
    assert flags == [value.requires_grad for value in model.parameters()]
    assert modes == [module.training for module in model.modules()]
    assert not any(module._forward_hooks or module._forward_hooks_with_kwargs for module in model.modules())


def test_an_error_inside_takes_the_adapters_off_too():
    model = nn.Linear(5, 6)
    with pytest.raises(KeyError), stack(model, [("a", of(delta()), 1.0)]):
        raise KeyError
    assert not model._forward_hooks


def test_an_adapter_of_transformers_4_fits_a_vit_of_transformers_5(tmp_path):
    one = load(entry_of(adapter(tmp_path, "vit", target_modules=["q_proj", "fc1"])))
    renamed = {
        name.replace("vit.layers", "vit.encoder.layer")
        .replace("attention.q_proj", "attention.attention.query")
        .replace("mlp.fc1", "intermediate.dense"): change
        for name, change in one.deltas.items()
    }
    assert "vit.encoder.layer.1.attention.attention.query" in renamed
    wanted = stacked(tiny("vit"), "vit", [("a", one, 1.0)])
    assert torch.equal(stacked(tiny("vit"), "vit", [("a", Adapter(renamed), 1.0)]), wanted)


def test_weights_are_absolute_and_what_is_not_named_is_off():
    model, x = nn.Linear(5, 6).double(), torch.randn(4, 5).double()
    ranks = {"a": 2, "b": 1, "c": 3}
    changes = {name: delta(rank=rank, seed=rank, scale=2.0) for name, rank in ranks.items()}
    with torch.no_grad(), stack(model, [(name, of(change), 0.5) for name, change in changes.items()]) as live:
        for weights in ({"a": 2.0, "b": -1.0}, {"b": 0.5}, {"a": 1.0, "c": 2.0}, {}, {"a": 1, "b": 1, "c": 1}):
            live.weights = weights
            assert live.weights == {"a": 0.0, "b": 0.0, "c": 0.0, **weights}
            wanted = sum((w * changes[name].dense().double() for name, w in weights.items()), model.weight)
            assert close(model(x), nn.functional.linear(x, wanted, model.bias), 1e-6)


def test_only_gives_the_named_the_weights_they_were_stacked_with():
    with stack(nn.Linear(5, 6), [(name, of(delta()), 0.5) for name in "abc"]) as live:
        live.weights = {"a": 2.0}
        live.only("b", "c")
        assert live.weights == {"a": 0.0, "b": 0.5, "c": 0.5}
        with pytest.raises(NotFound):
            live.only("d")


@pytest.mark.parametrize("side", ["A", "B"])
def test_an_adapter_that_is_off_is_not_computed(side):
    model, x = nn.Linear(5, 6), torch.randn(4, 5)
    A, B = torch.ones(2, 5), torch.ones(6, 2)
    (A if side == "A" else B)[0, 0] = math.nan
    plain = model(x)
    with stack(model, [("good", of(delta()), 0.0), ("bad", of(Delta(A, B)), 0.0)]) as live:
        assert torch.equal(model(x), plain)
        live.weights = {"good": 1.0}
        assert torch.isfinite(model(x)).all()
        live.weights = {"bad": 1.0, "good": 1.0}
        assert torch.isnan(model(x)).any(1).all()
        with live.route([{"good": 1.0}, {"bad": 1.0}, {}, {"good": 1.0}]):
            assert torch.isfinite(model(x)).all(1).tolist() == [True, False, True, True]


def test_a_weight_change_packs_nothing_anew():
    model, x = nn.Linear(5, 6), torch.randn(4, 5)
    with stack(model, [(name, of(delta(seed=seed)), 1.0) for seed, name in enumerate("abc")]) as live:
        model(x)
        gate = next(iter(model._forward_hooks.values())).gates[0]
        storage = gate._slots
        for weights in ({"b": 0.25}, {"a": 0.25, "b": 1.0}, {"a": 1.0, "c": 1.0}):
            live.weights = weights
            model(x)
            assert gate._slots is storage
            lies_apart = gate._eager.factors[0].data_ptr() not in {row.data_ptr() for row in storage.A}
            assert lies_apart == ("c" in weights)  # neighbours are a view


def test_weights_can_be_read_but_not_changed_one_by_one():
    live = stack(nn.Linear(5, 6), [("a", of(delta()), 0.5)])
    assert live.weights == {"a": 0.5}
    with pytest.raises(TypeError):
        live.weights["a"] = 1.0


def test_an_unknown_name_is_not_found_and_changes_nothing():
    live = stack(nn.Linear(5, 6), [("ada/a", of(delta()), 0.5)])
    with pytest.raises(NotFound, match="ada/b: not in this stack") as refusal:
        live.weights = {"ada/b": 1.0, "ada/a": 1.0}
    assert "ada/a" in refusal.value.hint
    assert live.weights == {"ada/a": 0.5}


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_a_weight_is_finite(weight):
    with pytest.raises(WrongUsage, match="the weight of a"):
        stack(nn.Linear(5, 6), [("a", of(delta()), weight)])


def test_the_same_name_twice_is_refused():
    with pytest.raises(WrongUsage, match="more than once"):
        stack(nn.Linear(5, 6), [("a", of(delta()), 0.5), ("a", of(delta()), 0.5)])


def test_everything_that_does_not_fit_is_said_at_once_and_nothing_attached():
    model = tiny("llama")
    good = {f"model.layers.{n}.self_attn.q_proj": delta(16, 16) for n in range(2)}
    missing = {f"model.layers.{n}.self_attn.query": delta(16, 16) for n in range(2)}
    wrong = {f"model.layers.{n}.self_attn.o_proj": delta(16, 8) for n in range(2)}
    parts = [("ada/a", Adapter({**good, **missing}), 1.0), ("ada/b", Adapter({**wrong, "model.norm": delta()}), 1.0)]
    with pytest.raises(DoesNotFit) as refusal:
        stack(model, parts)
    said = str(refusal.value)
    assert "nothing was attached to LlamaForCausalLM" in said
    assert "ada/a: no module model.layers.0-1.self_attn.query" in said
    assert "ada/b: model.layers.0-1.self_attn.o_proj is 16×16, the adapter changes 16×8" in said
    assert "model.norm cannot take it: it is transformers" in said
    assert not any(module._forward_hooks for module in model.modules())


def test_what_does_not_fit_anywhere_is_told_in_a_few_words():
    model = tiny("llama")
    leaves = [f"self_attn.{leaf}_proj" for leaf in "qkvo"]
    wrong = {f"model.layers.{n}.{leaf}": delta(3, 5) for n in range(2) for leaf in leaves}
    missing = {f"part{chr(97 + n)}.{n}": delta() for n in range(9)}
    with pytest.raises(DoesNotFit) as refusal:
        stack(model, [("ada/a", Adapter({**wrong, **missing}), 1.0)])
    said = str(refusal.value)
    assert "model.layers.0-1.self_attn.{q,o}_proj is 16×16, the adapter changes 3×5" in said
    assert said.count("ada/a: ") == 2
    assert "parte.4, partf.5 and 3 more" in said


@torch.no_grad()
def test_a_partial_fit_is_taken_only_where_it_is_asked_for():
    model, x = nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 6)), torch.randn(2, 5)
    some = Adapter({"0": delta(), "1": delta(6, 5), "2": delta()}, tensors={"1.gain": torch.ones(6)})
    with stack(model, [("a", of(delta(), "0"), 1.0)]):
        wanted = model(x)
    with pytest.raises(DoesNotFit):
        stack(model, [("a", some, 1.0)])
    with stack(model, [("a", some, 1.0)], partial=True) as live:
        assert torch.equal(model(x), wanted)
        with pytest.raises(DoesNotFit, match="b: no module 2"):
            live.attach("b", of(delta(), "2"))
    live.close()  # once more is no harm
    assert not model[0]._forward_hooks


@pytest.mark.parametrize("shape", [(5,), (0, 5), (2, 3, 4, 5)])
def test_every_shape_of_batch_goes_through(shape):
    model, x = nn.Linear(5, 6).double(), torch.randn(shape).double()
    one = delta()
    with torch.no_grad(), stack(model, [("a", of(one), 1.0)]):
        got = model(input=x)
    assert close(got, nn.functional.linear(x, model.weight + one.dense().double(), model.bias), 1e-6)


def test_the_deltas_are_left_alone():
    one, model = delta(), nn.Linear(5, 6)
    before = one.A.clone(), one.B.clone()
    with torch.no_grad(), stack(model, [("a", of(one), 3.0)]):
        model(torch.randn(4, 5))
    assert torch.equal(one.A, before[0])
    assert torch.equal(one.B, before[1])


def test_an_output_that_somebody_else_has_seen_is_not_written_into():
    model, x, seen = nn.Linear(5, 6), torch.randn(4, 5), []
    handle = model.register_forward_hook(lambda module, args, output: seen.append(output))
    with torch.no_grad():
        plain = model(x)
        with stack(model, [("a", of(delta()), 1.0)]):
            changed = model(x)
    handle.remove()
    assert torch.equal(seen[1], plain)
    assert not close(changed, plain, 1e-3)


def test_generating_uses_the_adapters(tmp_path):
    one = load(entry_of(adapter(tmp_path, "llama")))
    model, ids = tiny("llama"), torch.tensor([[1, 2, 3]])
    with stack(model, [("a", one, 1.0)]):
        got = model.generate(ids, max_new_tokens=5, do_sample=False, pad_token_id=0)
        wanted = ids
        for _ in range(5):
            with torch.no_grad():
                wanted = torch.cat([wanted, model(wanted).logits[:, -1:].argmax(-1)], 1)
    assert torch.equal(got, wanted)
    assert not torch.equal(got, model.generate(ids, max_new_tokens=5, do_sample=False, pad_token_id=0))

"""A mixture for each row of the batch; where rows cannot be told apart it is refused, never guessed."""

import peft
import pytest
import torch
import transformers
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.errors import NotFound, Refused, WrongUsage
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta, Form
from adapterhub.lora.load import load
from tests.compose.builders import TARGETS, adapter, ask, lora, tiny, wrapped
from tests.compose.live.test_stack import close, of
from tests.compose.live.test_stack_peft import IA3, ia3
from tests.lora.builders import delta, entry_of

WORDS = {"llama": ["embed_tokens"], "gpt2": ["wte"], "bert": ["word_embeddings"], "vit": []}


def three(folder, kind):
    """A plain adapter of embeddings and convolutions too, a DoRA with biases, and an IA3."""
    targets, feedforward = IA3[kind]
    config = peft.IA3Config(target_modules=targets, feedforward_modules=feedforward, fan_in_fan_out=kind == "gpt2")
    return [
        ("plain", load(entry_of(adapter(folder / "a", kind, 1, target_modules=TARGETS[kind] + WORDS[kind]))), 1.0),
        ("dora", load(entry_of(adapter(folder / "b", kind, 2, r=2, use_dora=True, bias="all"))), 1.0),
        ("ia3", ia3(wrapped(kind, config)), 1.0),
    ]


@pytest.mark.parametrize("kind", TARGETS)
@torch.no_grad()
def test_every_row_has_its_own_mixture(tmp_path, kind):
    rows = [{"plain": 0.5, "ia3": 1.5}, {}, {"dora": 1.0, "plain": -1.0, "ia3": 0.5}]
    model = tiny(kind).double()
    with stack(model, three(tmp_path, kind)) as live:
        wanted = []
        for n, row in enumerate(rows):
            live.weights = row
            wanted.append(ask(model, kind)[n])
        assert not close(wanted[0], wanted[1][: len(wanted[0])], 1e-3)
        live.weights = {"dora": 2.0}
        before = ask(model, kind)
        with live.route(rows):
            assert close(ask(model, kind), torch.stack(wanted), 1e-11)
        assert live.weights == {"plain": 0.0, "dora": 2.0, "ia3": 0.0}
        assert torch.equal(ask(model, kind), before)


def test_routes_nest_and_end_with_an_error():
    model, x = nn.Linear(5, 6), torch.randn(2, 5)
    with torch.no_grad(), stack(model, [("a", of(delta()), 1.0)]) as live:
        full = model(x)
        with live.route([{"a": 1.0}, {}]):
            with live.route([{}, {"a": 1.0}]):
                assert close(model(x)[1], full[1])
            assert close(model(x)[0], full[0])
        with pytest.raises(KeyError), live.route([{"a": 1.0}, {}]):
            raise KeyError
        assert torch.equal(model(x), full)


def test_nothing_is_changed_within_a_route():
    with stack(nn.Linear(5, 6), [("a", of(delta()), 1.0)]) as live, live.route([{"a": 0.5}]):
        assert live.weights == {"a": 1.0}
        for change in (lambda: live.only("a"), lambda: live.attach("b", of(delta())), lambda: live.remove("a")):
            with pytest.raises(WrongUsage, match="routed"):
                change()
        assert live.weights == {"a": 1.0}


def test_a_route_names_what_is_there():
    live = stack(nn.Linear(5, 6), [("a", of(delta()), 1.0)])
    with pytest.raises(NotFound, match="b: not in this stack"):
        live.route([{"a": 1.0}, {"b": 1.0}])
    with pytest.raises(WrongUsage, match="without rows"):
        live.route([])
    with pytest.raises(WrongUsage, match="the weight of a is nan"):
        live.route([{"a": float("nan")}])


@pytest.mark.parametrize(
    ("module", "change", "x"),
    [
        (nn.Linear(5, 6), delta(), torch.randn(6, 5)),  # batch and length flattened into rows
        (nn.Linear(5, 6), delta(), torch.randn(1, 3, 5)),
        (nn.Linear(3, 6), delta(into=3), torch.randn(3)),  # no batch at all, and the numbers agree
    ],
)
def test_what_comes_in_must_begin_with_the_batch(module, change, x):
    model = nn.Sequential(module)
    with stack(model, [("a", of(change, "0"), 1.0)]) as live:
        model(x)
        with live.route([{"a": 1.0}, {}, {}]), pytest.raises(Refused, match=r"0: .* came in, and the route has 3 rows"):
            model(x)


def test_a_convolution_without_a_batch_is_refused(tmp_path):
    one = load(entry_of(adapter(tmp_path, "vit", target_modules=["projection"])))
    model = tiny("vit").vit.embeddings.patch_embeddings.projection
    change = Adapter({"": next(iter(one.deltas.values()))})
    with stack(model, [("a", change, 1.0)]) as live, live.route([{"a": 1.0}, {}, {}]):
        model(torch.rand(3, 3, 8, 8))
        with pytest.raises(Refused):
            model(torch.rand(3, 8, 8))  # three channels, not three rows


def test_modules_without_an_active_adapter_are_not_asked():
    model, x = nn.Sequential(nn.Linear(5, 6), nn.Flatten(0, 1), nn.Linear(6, 6)), torch.randn(2, 3, 5)
    with torch.no_grad(), stack(model, [("a", of(delta(), "0"), 1.0), ("b", of(delta(6, 6), "2"), 1.0)]) as live:
        with live.route([{"a": 1.0}, {}]):
            model(x)
        with live.route([{"a": 1.0}, {"b": 1.0}]), pytest.raises(Refused, match=r"2: \(6, 6\) came in"):
            model(x)


def test_experts_are_refused_even_where_the_numbers_agree():
    model = nn.ModuleDict({"experts": nn.ModuleList([nn.Linear(5, 6), nn.Linear(5, 6)])})
    parts = [("a", Adapter({"experts.0": delta(), "experts.1": delta()}), 1.0)]
    live = stack(model, parts)
    with pytest.raises(Refused, match=r"rows cannot be routed: experts\.0-1: an expert sees the tokens"):
        live.route([{"a": 1.0}, {}])
    live.route([{}, {}])


@pytest.mark.parametrize("first", [True, False])
def test_blocks_that_see_the_length_first_are_refused(first):
    model = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=first))
    live = stack(model, [("a", of(delta(16, 8), "0.linear1"), 1.0)])
    if first:
        live.route([{"a": 1.0}, {}])
        return
    with pytest.raises(Refused, match=r"0.linear1: it sees \(length, batch"):
        live.route([{"a": 1.0}, {}])


def test_a_model_type_that_sees_the_length_first_is_refused():
    model = nn.Linear(5, 6)
    model.config = type("Config", (), {"model_type": "xlnet"})()
    with pytest.raises(Refused, match="length, batch"):
        stack(model, [("a", of(delta()), 1.0)]).route([{"a": 1.0}, {}])


def test_a_part_that_does_not_see_the_text_is_refused():
    """Two images in the first row and none in the second are two rows to the projector."""
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = transformers.CLIPVisionConfig(**sizes, image_size=8, patch_size=4)
    text = transformers.LlamaConfig(vocab_size=40, num_key_value_heads=1, **sizes)
    model = transformers.LlavaForConditionalGeneration(transformers.LlavaConfig(vision_config=vision, text_config=text))
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    refused = {}
    for name in names:
        module = model.get_submodule(name)
        live = stack(model, [("a", of(delta(module.out_features, module.in_features), name), 1.0)])
        try:
            live.route([{"a": 1.0}, {}])
        except Refused as refusal:
            refused[name] = str(refusal)
    assert set(refused) == {name for name in names if "language_model" not in name and name != "lm_head"}
    assert all("not in the text part" in said for said in refused.values())
    assert any("projector" in name for name in names)
    tower = model.model.vision_tower
    one = of(delta(16, 16), next(name for name, _ in tower.named_modules() if name.endswith("q_proj")))
    stack(tower, [("a", one, 1.0)]).route([{"a": 1.0}, {}])  # alone, its rows are its images


def test_an_embedding_that_is_looked_up_by_position_is_refused():
    """As many positions as rows would be taken for the rows."""
    sizes = {"vocab_size": 32, "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2}
    model = transformers.T5EncoderModel(transformers.T5Config(**sizes, relative_attention_num_buckets=8))
    bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias"
    change = Delta(torch.randn(2, 8), torch.randn(2, 2), 1.0, Form("embedding"))
    with pytest.raises(Refused, match="relative_attention_bias: it is looked up by position"):
        stack(model, [("a", of(change, bias), 1.0)]).route([{"a": 1.0}, {}, {}, {}])
    words = Delta(torch.randn(2, 32), torch.randn(16, 2), 1.0, Form("embedding"))
    stack(model, [("a", of(words, "shared"), 1.0)]).route([{"a": 1.0}, {}])


@torch.no_grad()
def test_a_route_is_looked_at_again_where_the_stack_changed_since():
    model, x = nn.Linear(5, 6), torch.randn(2, 5)
    with stack(model, [("a", of(delta()), 1.0)]) as live:
        route, other = live.route([{"a": 1.0}, {}]), live.route([{"a": 1.0}, {}])
        full = model(x)
        live.attach("b", of(delta(seed=2)))
        with route:
            got = model(x)
        assert close(got[0], full[0])
        assert close(got[1], nn.functional.linear(x, model.weight, model.bias)[1])
        live.remove("a")
        with pytest.raises(NotFound, match="a: not in this stack"), other:
            pass


def test_beams_repeat_the_rows_and_are_refused_or_given_as_rows(tmp_path):
    one = load(entry_of(adapter(tmp_path, "llama")))
    model, ids = tiny("llama"), torch.tensor([[1, 2, 3], [1, 2, 3]])
    words = {"max_new_tokens": 3, "do_sample": False, "num_beams": 2, "pad_token_id": 0}
    plain = model.generate(ids, **words)
    with stack(model, [("a", one, 1.0)]) as live:
        full = model.generate(ids, **words)
        with live.route([{"a": 1.0}, {}]), pytest.raises(Refused) as refusal:
            model.generate(ids, **words)
        assert "beams" in refusal.value.hint
        with live.route([{"a": 1.0}, {"a": 1.0}, {}, {}]):
            routed = model.generate(ids, **words)
    assert torch.equal(routed[0], full[0])
    assert torch.equal(routed[1], plain[1])


def test_only_the_slots_of_the_adapters_in_the_batch_are_computed():
    model, x = nn.Linear(5, 6), torch.randn(2, 5)
    live = stack(model, [(f"a{n}", of(delta(seed=n)), 1.0) for n in range(8)])
    with torch.no_grad(), live, live.route([{"a2": 1.0}, {"a6": 1.0}]):
        model(x)
        gate = next(iter(model._forward_hooks.values())).gates[0]
        assert gate._eager.factors[0].shape[0] == 4


def test_a_batch_of_different_adapters_is_that_of_peft(tmp_path):
    """peft splits it into sub-batches."""
    both = wrapped("llama", lora("llama"))
    both.add_adapter("b", lora("llama", r=2))
    torch.manual_seed(5)
    for name, parameter in both.named_parameters():
        if ".b." in name:
            nn.init.normal_(parameter, std=0.2)
    parts = []
    for name, place in (("default", tmp_path / "one"), ("b", tmp_path / "two")):
        both.save_pretrained(str(place), selected_adapters=[name])
        parts.append((name, load(entry_of(place / name if name != "default" else place)), 1.0))
    model, ids = tiny("llama"), torch.randint(0, 32, (3, 7))
    with torch.no_grad(), stack(model, parts) as live, live.route([{"default": 1.0}, {}, {"b": 1.0}]):
        got = model(input_ids=ids).logits
        wanted = both(input_ids=ids, adapter_names=["default", "__base__", "b"]).logits
    assert close(got, wanted)

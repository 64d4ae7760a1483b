"""What checks ask of an adapter beside a base."""

import pytest

from adapterhub.audit.adapter import Target
from adapterhub.audit.drift import Drift
from adapterhub.audit.fit import fit
from adapterhub.audit.pair import Pair
from adapterhub.base.card import Card
from adapterhub.base.find import find
from adapterhub.base.row import TensorRow
from adapterhub.facts import Facts
from tests.audit.builders import adapter, card

EXPERTS = "model.layers.0.mlp.experts.down_proj"


def pair(one, base):
    return Pair(one, base, find(one.targets, base), (), (), Drift())


def base(*tensors, config=None, model_type="llama"):
    rows = tuple(TensorRow(name=name, dtype=dtype, shape=shape) for name, dtype, shape in tensors)
    return Card(
        name="tiny", layout_digest="sha256:" + "0" * 64, model_type=model_type, config=config or {}, tensors=rows
    )


def stacked(*shape, version=None):
    facts = Facts(format="peft", details={"peft_version": version} if version else {})
    one = adapter({}, facts=facts)
    one.targets[EXPERTS] = Target(shape, stacked=True)
    return one


def test_a_tied_output_layer_is_found_at_the_embedding():
    one, there = adapter({"lm_head": (9, 5)}), card({"model.embed_tokens": (9, 5)})
    assert pair(one, there).tied == {"lm_head": "model.embed_tokens.weight"}
    report = fit(one, there)
    assert (report.verdict, report.naming, report.matched) == ("unpinned", "tied", 1)


@pytest.mark.parametrize(("wanted", "verdict"), [((6, 5), "unpinned"), ((6, 6), "misfit")])
def test_four_bits_must_be_as_many_numbers(wanted, verdict):
    there = base(("q.weight", "U8", (15, 1)), ("q.weight.absmax", "F32", (1,)))
    one = adapter({"q": wanted})
    assert pair(one, there).quantised == {"q": "bnb-4bit"}
    assert pair(one, there).unshaped == ("q",)
    assert fit(one, there).verdict == verdict


def test_packed_weights_have_the_shape_of_what_is_in_them():
    there = base(
        ("q.qweight", "I32", (8, 48)), ("q.qzeros", "I32", (2, 6)), ("q.scales", "F16", (2, 48)), model_type="qwen2"
    )
    assert fit(adapter({"q": (48, 64)}), there).verdict == "unpinned"
    assert fit(adapter({"q": (48, 32)}), there).mismatched[0].base == (48, 64)


def test_a_gguf_is_a_base():
    gguf = {"general.architecture": "llama"}
    there = base(("blk.0.attn_q.weight", "Q4_K", (6, 5)), ("token_embd.weight", "Q6_K", (9, 5)), config=gguf)
    one = adapter({"model.layers.0.self_attn.q_proj": (6, 5)}, saved={"model.embed_tokens.weight": (9, 5)})
    report = fit(one, there)
    assert (report.verdict, report.unexpected) == ("unpinned", ())
    assert pair(one, there).quantised == {"model.layers.0.self_attn.q_proj": "Q4_K"}


@pytest.mark.parametrize("shape", [(2, 6, 5), (2, 5, 6)])
def test_experts_fit_whichever_way_they_lie(shape):
    there = base((EXPERTS, "F32", (2, 6, 5)))
    assert fit(stacked(*shape), there).verdict == "unpinned"
    assert fit(stacked(3, *shape[1:]), there).verdict == "misfit"
    assert fit(stacked(2, 6, 6), there).verdict == "misfit"


@pytest.mark.parametrize(
    ("version", "told"), [(None, False), ("0.18.1", True), ("0.19.0", False), ("0.19.1", True), ("0.21.0.dev0", True)]
)
def test_square_experts_of_an_unknown_version_are_ambiguous(version, told):
    there = base((EXPERTS, "F32", (2, 5, 5)))
    assert (pair(stacked(2, 5, 5, version=version), there).ambiguous == ()) == told
    assert pair(stacked(2, 6, 5, version=version), there).ambiguous == ()


def test_an_old_norm_is_no_unexpected_tensor():
    there = base(("e.LayerNorm.gamma", "F32", (5,)), ("e.q.weight", "F32", (6, 5)), model_type="bert")
    assert pair(adapter({"e.q": (6, 5)}, saved={"e.LayerNorm.weight": (5,)}), there).unexpected == ()


@pytest.mark.parametrize(("trained", "here"), [("opt", "whisper"), ("gpt2", "gpt2")])
def test_a_small_model_inside_a_larger_one_is_unpinned(trained, here):
    layers = {f"model.decoder.layers.{n}.self_attn.q_proj": (6, 6) for n in range(12)}
    few = dict(list(layers.items())[:6])
    report = fit(adapter(few, model_type=trained), card(layers, model_type=here))
    assert report.verdict == "unpinned"
    assert [found.check for found in report.findings if found.severity != "info"] == ["model-type"] * (trained != here)

"""The naming rules: measured on transformers, in both directions, and never between relatives."""

import pytest
import transformers

from adapterhub.base.names import match, transposed

SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}


def layers(model):
    return {name for name, module in model.named_modules() if type(module).__name__ in ("Linear", "Conv1D")}


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("Llama", {**SIZES, "vocab_size": 9}),
        ("Bert", {**SIZES, "vocab_size": 9}),
        ("GPT2", {"n_embd": 8, "n_layer": 2, "n_head": 2, "vocab_size": 9, "bos_token_id": 1, "eos_token_id": 1}),
        ("DistilBert", {"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 16, "vocab_size": 9}),
        ("XLMRoberta", {**SIZES, "vocab_size": 9}),
    ],
)
def test_a_model_with_a_head_and_its_bare_model_find_each_other(name, config):
    config = getattr(transformers, f"{name}Config")(**config)
    whole = getattr(transformers, f"{name}ForSequenceClassification")(config)
    bare = layers(getattr(transformers, f"{name}Model")(config)) - {"pooler.dense"}
    off = match([f"{whole.base_model_prefix}.{module}" for module in bare], bare, config.model_type)
    on = match(bare, layers(whole), config.model_type)
    assert (off.missing, on.missing) == ((), ())
    assert off.rule == f"prefix {whole.base_model_prefix}. left out"
    assert on.rule == f"prefix {whole.base_model_prefix}. added"


DENSE = "encoder.layer.0.output.dense"


@pytest.mark.parametrize("model_type", ["roberta", "bert", None, "electra"])
@pytest.mark.parametrize(("adapter", "base"), [("bert", "roberta"), ("roberta", "bert")])
def test_bert_and_roberta_are_never_exchanged(adapter, base, model_type):
    assert match([f"{adapter}.{DENSE}"], {f"{base}.{DENSE}"}, model_type).targets == {}


@pytest.mark.parametrize(("adapter", "model_type"), [("bert", "roberta"), ("roberta", "bert"), ("bert", None)])
def test_only_the_prefix_of_its_own_type_comes_off(adapter, model_type):
    assert match([f"{adapter}.{DENSE}"], {DENSE}, model_type).targets == {}


def test_no_prefix_comes_off_where_something_lies_under_it():
    assert match(["bert.a", "bert.b"], {"bert.a", "b"}, "bert").targets == {"bert.a": "bert.a"}


def test_identity_comes_first():
    found = match(["a", "b"], {"a", "b", "model.a"}, "llama")
    assert (found.rule, found.targets, found.missing) == ("identity", {"a": "a", "b": "b"}, ())


def test_what_is_missing_is_told_by_the_adapters_name():
    found = match(["model.layers.0.q", "model.layers.1.q"], {"layers.0.q"}, "llama")
    assert found.missing == ("model.layers.1.q",)
    assert found.targets == {"model.layers.0.q": "layers.0.q"}


def test_two_modules_never_become_one():
    assert match(["model.a", "a", "model.b"], {"a", "b"}, "llama").targets == {"a": "a"}


def test_a_doubled_prefix_of_peft_comes_off():
    assert match(["base_model.model.h.0.x"], {"h.0.x"}, "gpt2").targets == {"base_model.model.h.0.x": "h.0.x"}


def test_what_wrapped_a_model_comes_off_before_another_rule_is_tried():
    twice = ["base_model.model.transformer.h.0.x", "base_model.model.transformer.h.1.x"]
    found = match(twice, {"h.0.x", "h.1.x"}, "gpt2")
    assert (found.missing, found.rule) == ((), "prefix base_model.model. left out, prefix transformer. left out")
    compiled = match(["_orig_mod.model.layers.0.q"], {"language_model.model.layers.0.q"}, "llava")
    assert compiled.targets == {"_orig_mod.model.layers.0.q": "language_model.model.layers.0.q"}


def test_without_a_type_every_renaming_is_tried():
    found = match(["model.layers.0.block_sparse_moe.experts.2.w1"], {"model.layers.0.mlp.experts.2.gate_proj"}, None)
    assert found.rule == "moe 4 to 5"


def test_a_rename_and_a_prefix_go_together():
    found = match(["vit.encoder.layer.3.intermediate.dense"], {"layers.3.mlp.fc1"}, "vit")
    assert found.rule == "vit 4 to 5, prefix vit. left out"
    assert found.rewrite("vit.layernorm") == "layernorm"


def test_bert_has_no_part_in_the_renaming_of_vit():
    assert match([f"bert.{DENSE}"], {"bert.layers.0.mlp.fc2"}, "bert").targets == {}


def test_conv1d_is_told_by_type_and_leaf():
    config = transformers.GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=9, bos_token_id=1, eos_token_id=1)
    model = transformers.GPT2ForSequenceClassification(config)
    for name, module in model.named_modules():
        if type(module).__name__ in ("Linear", "Conv1D"):
            assert transposed(name, "gpt2") == (type(module).__name__ == "Conv1D")
    assert not transposed("h.0.attn.c_attn", "llama")

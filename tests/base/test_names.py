"""The naming rules: measured on transformers, in both directions, and never between relatives."""

import pytest
import transformers
from safetensors import safe_open

from adapterhub.base.names import RENAMES, match, transposed

SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
IMAGES = {"image_size": 8, "patch_size": 4, **SIZES}
SWIN = {"image_size": 16, "patch_size": 2, "embed_dim": 8, "depths": (1, 1), "num_heads": (2, 2), "window_size": 2}
MODELS = {
    "vit": ("ViT", IMAGES, "ForImageClassification"),
    "deit": ("DeiT", IMAGES, "ForImageClassification"),
    "beit": ("Beit", IMAGES, "ForImageClassification"),
    "vit_msn": ("ViTMSN", IMAGES, "Model"),
    "vit_mae": ("ViTMAE", IMAGES, "Model"),
    "dinov2": ("Dinov2", IMAGES, "ForImageClassification"),
    "dinov2_with_registers": ("Dinov2WithRegisters", IMAGES, "ForImageClassification"),
    "swin": ("Swin", SWIN, "ForImageClassification"),
}


def built(model_type):
    name, config, head = MODELS[model_type]
    model = getattr(transformers, name + head)(getattr(transformers, f"{name}Config")(**config))
    assert model.config.model_type == model_type
    return model


def on_disk(model, folder):
    model.save_pretrained(str(folder))
    with safe_open(str(folder / "model.safetensors"), "np") as file:
        return {key.removesuffix(".weight") for key in file.keys() if key.endswith(".weight")}  # noqa: SIM118


def layers(model):
    return {name for name, module in model.named_modules() if type(module).__name__ in ("Linear", "Conv1D")}


@pytest.mark.parametrize("model_type", MODELS)
def test_every_renamed_layer_is_found_in_both_directions(tmp_path, model_type):
    model = built(model_type)
    saved, live = on_disk(model, tmp_path), layers(model)
    old = match(live, saved, model_type)
    assert old.missing == ()
    assert old.rule.endswith(" 5 to 4")
    new = match(old.targets.values(), live, model_type)
    assert new.rule.endswith(" 4 to 5")
    assert {old.targets[name]: name for name in live} == new.targets


def test_every_renamed_type_is_measured():
    assert set(MODELS) == set().union(*(row.types for row in RENAMES.values()))


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

"""The names of PEFT's tensors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.formats.peft_keys import TAILS, PeftKey, build_key, parse_key

GOLDEN = {
    "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": ("model.layers.0.self_attn.q_proj", "A"),
    "base_model.model.q.lora_B.weight": ("q", "B"),
    "base_model.model.q.lora_B.bias": ("q", "bias"),
    "base_model.model.q.lora_A": ("q", "A"),
    "base_model.model.q.lora_E": ("q", "E"),
    "base_model.model.emb.lora_embedding_A": ("emb", "embedding_A"),
    "base_model.model.emb.lora_embedding_B": ("emb", "embedding_B"),
    "base_model.model.q.lora_magnitude_vector": ("q", "magnitude"),
    "base_model.model.q.lora_magnitude_vector.weight": ("q", "magnitude"),
    "base_model.model.mlp.experts.base_layer.lora_A.weight": ("mlp.experts.base_layer", "A"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_name_is_a_module_and_a_role(name):
    assert parse_key(name) == GOLDEN[name]


@pytest.mark.parametrize(
    "name",
    ["q.lora_A.weight", "base_model.model.lora_A.weight", "base_model.model.q.lora_A.default.weight", "",
     "base_model.model.q.lora_A.bias", "base_model.model.q.ia3_l", "base_model.model.classifier.weight"],
)  # fmt: skip
def test_any_other_name_is_none(name):
    assert parse_key(name) is None


MODULES = st.lists(st.text("abq0_", min_size=1, max_size=4), min_size=1, max_size=4).map(".".join)


@given(MODULES, st.sampled_from(sorted(TAILS)))
def test_what_is_built_is_what_is_parsed(module, role):
    assert parse_key(build_key(module, role)) == PeftKey(module, role)


def test_peft_writes_these_names():
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict

    model = torch.nn.ModuleDict({"emb": torch.nn.Embedding(5, 4), "q": torch.nn.Linear(4, 3)})
    config = LoraConfig(r=2, target_modules=["q", "emb"], use_dora=True, lora_bias=False)
    names = get_peft_model_state_dict(get_peft_model(model, config)).keys()
    assert {parse_key(name) for name in names} == {
        ("q", "A"),
        ("q", "B"),
        ("q", "magnitude"),
        ("emb", "embedding_A"),
        ("emb", "embedding_B"),
        ("emb", "magnitude"),
    }

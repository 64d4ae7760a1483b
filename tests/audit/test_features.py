"""Each feature is seen where it is, and not in a plain adapter."""

import json

import pytest

from adapterhub.audit.adapter import Adapter, Target
from adapterhub.audit.features import FEATURES
from adapterhub.facts import Facts
from adapterhub.formats.peft_config import read

PLAIN = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"]}
LAYERS = [f"model.layers.{n}.{leaf}" for n in range(2) for leaf in ("q_proj", "v_proj")]


def adapter(modules=LAYERS, facts=None, without=(), config=None, **fields):
    said = {key: value for key, value in {**PLAIN, **(config or {})}.items() if key not in without}
    told = {"format": "peft", "type": "LORA", "rank": 8, "ranks": {"8": 4}, "base_name": "org/tiny", **(facts or {})}
    return Adapter(
        name="ada/poet",
        facts=Facts(**told),
        targets={module: Target((6, 5)) for module in modules},
        config=read(json.dumps(said).encode(), "adapter_config.json"),
        **{"files": ("adapter_config.json", "adapter_model.safetensors"), **fields},
    )


WITH = {
    "rank": (8, adapter()),
    "rank_pattern": (1, adapter(config={"rank_pattern": {"q_proj": 4}})),
    "alpha_pattern": (2, adapter(config={"alpha_pattern": {"q_proj": 4, "v_proj": 8}})),
    "rslora": (1, adapter(config={"use_rslora": True})),
    "dora": (1, adapter(roles=frozenset({"A", "B", "magnitude"}))),
    "lora_bias": (1, adapter(roles=frozenset({"A", "B", "bias"}))),
    "bias": (1, adapter(config={"bias": "all"})),
    "modules_to_save": (1, adapter(config={"modules_to_save": ["score"]})),
    "modules_to_save_but_heads": (1, adapter(config={"modules_to_save": ["score", "visual_projection"]})),
    "saved_head": (2, adapter(reasons={"score.weight": "head", "score.bias": "head"})),
    "saved_embedding": (1, adapter(reasons={"lm_head.weight": "embedding"})),
    "resized_embedding": (1, adapter(reasons={"model.embed_tokens.base_layer.weight": "embedding"})),
    "trained_norm": (1, adapter(reasons={"model.layers.0.input_layernorm.weight": "head"})),
    "embedding_factors": (1, adapter(roles=frozenset({"embedding_A", "embedding_B"}))),
    "output_factors": (1, adapter(modules=[*LAYERS, "lm_head"])),
    "trained_tokens": (1, adapter(tokens={"model.embed_tokens": (3,)})),
    "expert_parameters": (1, adapter(config={"target_parameters": ["mlp.experts.down_proj"]})),
    "mutated_base": (1, adapter(config={"init_lora_weights": "pissa_niter_4"})),
    "other_tuner": (1, adapter(facts={"type": "LOHA"})),
    "pattern_targets": (1, adapter(config={"target_modules": ".*(q|v)_proj"})),
    "missing_fields": (1, adapter(without=("lora_alpha",))),
    "missing_type": (1, adapter(without=("peft_type",))),
    "fractional_alpha": (1, adapter(config={"lora_alpha": 16.0})),
    "unknown_base": (1, adapter(facts={"base_name": "/data/llama"})),
    "numbered_files": (1, adapter(files=("adapter_config (1).json", "adapter_model (1).safetensors"))),
    "queries_without_values": (2, adapter(modules=LAYERS[::2])),
    "some_layers": (2, adapter(modules=LAYERS[2:])),
    "padded_rank": (1, adapter(facts={"ranks": {"4": 2, "16": 2}})),
    "whole_path_pattern": (2, adapter(config={"rank_pattern": {LAYERS[0]: 4, "^lm_head": 2}})),
    "any": (1, adapter()),
}


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_is_seen_where_it_is(name):
    amount, one = WITH[name]
    assert FEATURES[name].look(one) == amount


def test_a_plain_adapter_has_a_rank_and_no_feature():
    assert {name for name, feature in FEATURES.items() if feature.look(adapter())} == {"rank", "any"}


@pytest.mark.parametrize("said", ["all-linear", "all"])
def test_a_word_for_all_modules_is_no_pattern(said):
    assert FEATURES["pattern_targets"].look(adapter(config={"target_modules": said})) == 0


def test_an_adapter_of_which_only_facts_are_known_is_not_guessed_at():
    bare = Adapter(name="x", facts=Facts(format="peft", base_name="org/tiny"), targets={})
    assert {name for name, feature in FEATURES.items() if feature.look(bare)} == {"any"}

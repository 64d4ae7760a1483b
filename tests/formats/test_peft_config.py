"""adapter_config.json: what it means, and what peft says it means."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peft.utils.other import get_pattern_key

from adapterhub.errors import Corrupt
from adapterhub.formats.peft_config import PatternTable, PeftConfig, read


def parsed(**fields) -> PeftConfig:
    return read(json.dumps({"peft_type": "LORA", **fields}).encode(), "adapter_config.json")


def test_the_smallest_config_has_pefts_defaults():
    config = parsed()
    assert (config.type, config.r, config.alpha, config.targets, config.scaling("q", 8)) == ("LORA", 8, 8.0, (), 1.0)


def test_fields_nobody_knows_are_kept():
    assert parsed(new_in_2030={"a": [1]}).fields["new_in_2030"] == {"a": [1]}


def test_a_config_without_a_type_is_lora():
    assert read(b'{"r": 16, "lora_alpha": 32}', "c").type == "LORA"


@pytest.mark.parametrize("name", ["IA3", "ia3", "PeftType.IA3"])
def test_a_type_is_what_it_is_in_capitals(name):
    assert parsed(peft_type=name).type == "IA3"


@pytest.mark.parametrize(
    ("said", "targets"), [(["v", "q", "q"], ("q", "v")), (".*q", (".*q",)), (None, ()), ([], ()), ("all-linear",) * 2]
)
def test_targets_are_sorted_and_a_text_is_one(said, targets):
    assert parsed(target_modules=said).targets == ((targets,) if isinstance(targets, str) else targets)


def test_rslora_divides_by_the_root():
    assert parsed(lora_alpha=16, use_rslora=True).scaling("q", 4) == 8.0


@pytest.mark.parametrize(
    ("fields", "rank"),
    [
        ({"init_r": 3, "rank_pattern": {"q.lora_E": [True, False, True]}}, 3),
        ({"rank_pattern": {"q.lora_E": [True, False, True]}}, 12),
        ({"init_r": 3}, 2),
        ({"init_r": "?", "rank_pattern": {"q.lora_E": [True]}}, 2),
    ],
)
def test_adalora_divides_by_the_rank_it_was_trained_with(fields, rank):
    assert parsed(peft_type="ADALORA", lora_alpha=32, **fields).scaling("q", 2) == 32 / (rank + 1e-5)
    assert parsed(peft_type="ADALORA", lora_alpha=0, **fields).scaling("q", 2) == rank / (rank + 1e-5)


def test_patterns_decide_before_the_rest():
    config = parsed(r=4, lora_alpha=8, rank_pattern={"layers.0.q": 2, "q": 3}, alpha_pattern={r"layers\.\d+\.v": 5})
    assert [config.rank_of(f"model.layers.{n}.{m}") for n in (0, 1) for m in "qv"] == [2, 4, 3, 4]
    assert config.alpha_of("model.layers.7.v") == 5.0
    assert config.scaling("x.layers.7.v", 2) == 2.5


WRONG = {
    "r": [-1, 0, 2.5, 8.0, "8", True, None],
    "lora_alpha": ["16", None, True, [1]],
    "rank_pattern": [[1], "q", {"q": 0}, {"q": "8"}, {"q": None}],
    "alpha_pattern": [[1], {"q": "x"}],
    "peft_type": [["LORA"], 7],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in WRONG for value in WRONG[field]])
def test_a_wrong_value_is_corrupt_with_file_field_and_value(field, value):
    with pytest.raises(Corrupt, match=rf"adapter_config\.json: {field}") as told:
        parsed(**{field: value})
    inside = next(iter(value.values())) if isinstance(value, dict) else value
    assert str(inside) in str(told.value)


def test_a_number_too_large_for_a_float_is_corrupt():
    with pytest.raises(Corrupt, match="finite"):
        read(b'{"lora_alpha": 1' + b"0" * 400 + b"}", "c")


def test_a_rank_may_be_missing_where_a_type_has_none():
    assert parsed(peft_type="SUPERTUNING", r=None, lora_alpha=None).r is None
    assert parsed(peft_type="OFT", r=0).r == 0


SEGMENTS = st.lists(st.sampled_from(["q", "v", "layers", "layer", "0", "1", "10", "attn"]), min_size=1, max_size=4)
KEYS = st.one_of(
    SEGMENTS.map(".".join),
    SEGMENTS.map("_".join),
    st.sampled_from([r"layers\.\d", "layers.0.*", "(q|v)", "^q", "^layers.0.q", ".*attn.*", r"l.*\.q", "[qv]"]),
)


@given(st.dictionaries(KEYS, st.integers(1, 9), max_size=5), SEGMENTS.map(".".join))
def test_peft_finds_the_same_pattern(patterns, module):
    assert PatternTable(patterns).get(module, 99) == patterns.get(get_pattern_key(list(patterns), module), 99)


def test_many_patterns_are_quick():
    table = PatternTable({f"model.layers.{n}.self_attn.{m}_proj": n + 1 for n in range(500) for m in "qkvo"})
    assert all(table.get(f"base.model.layers.{n}.self_attn.q_proj", 0) == n + 1 for n in range(500))


def test_a_pattern_nobody_can_read_is_named_and_matches_nothing():
    table = PatternTable({r"(q)\1": 3, "(a+)+": 4})
    assert table.get("qq", 8) == 8
    assert table.unreadable == [r"(q)\1"]
    assert table.slow == ["(a+)+"]


@pytest.mark.parametrize("rslora", [True, False])
def test_peft_scales_its_layers_the_same(rslora):
    import torch
    from peft import LoraConfig, get_peft_model

    fields = {
        "r": 4, "lora_alpha": 10, "target_modules": ["q", "v", "o"], "use_rslora": rslora,
        "rank_pattern": {"0.q": 2, "v": 3}, "alpha_pattern": {r"1\.(q|o)": 7},
    }  # fmt: skip
    blocks = [torch.nn.ModuleDict({name: torch.nn.Linear(5, 5) for name in "qvo"}) for _ in range(2)]
    model = torch.nn.Sequential(*blocks)
    config = parsed(**fields)
    for name, layer in get_peft_model(model, LoraConfig(**fields)).base_model.model.named_modules():
        if hasattr(layer, "scaling"):
            assert layer.r["default"] == config.rank_of(name)
            assert math.isclose(layer.scaling["default"], config.scaling(name, layer.r["default"]))

"""The names of PEFT's other tuners, and what is none of them."""

import pytest

from adapterhub.formats.header import TensorInfo
from adapterhub.formats.peft_tuners import SHARED, by_module, is_tuned, parse_part

MODULE = "base_model.model.layers.0.q_proj"


@pytest.mark.parametrize(
    "part",
    ["hada_w1_a", "hada_t2", "lokr_w1", "lokr_w2_b", "lokr_t2", "vera_lambda_b", "ia3_l"],
)
def test_a_name_is_a_module_and_a_part(part):
    assert parse_part(f"{MODULE}.{part}") == ("layers.0.q_proj", part)
    assert is_tuned(f"{MODULE}.{part}")


@pytest.mark.parametrize("name", [f"{MODULE}.weight", f"{MODULE}.hada_w3_a", f"{MODULE}.lokr_t1", "layers.0.hada_w1_a"])
def test_other_names_are_none(name):
    assert parse_part(name) is None


@pytest.mark.parametrize("name", ["layers.0.oft_R", f"{MODULE}.lora_A.weight", "base_model.vera_A", "x.lora_router"])
def test_what_some_tuner_made_is_known_without_its_grammar(name):
    assert is_tuned(name)


@pytest.mark.parametrize("name", ["model.explora_head.weight", "base_model.model.head.bias", "softmax_oft.weight"])
def test_a_tensor_of_a_base_is_no_tuners(name):
    assert not is_tuned(name)


def test_tensors_are_sorted_by_module_and_what_is_shared_has_none():
    names = [f"{MODULE}.vera_lambda_b", "base_model.vera_A", "base_model.model.norm.bias", f"{MODULE}.ia3_l"]
    modules, others = by_module((TensorInfo(name, "F32", (1,), 0, 4) for name in names), "vera")
    assert {module: list(parts) for module, parts in modules.items()} == {
        "layers.0.q_proj": ["lambda_b"],
        SHARED: ["A"],
    }
    assert [info.name for info in others] == names[2:]

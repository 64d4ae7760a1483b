"""Changes of one weight meet under whichever names they were learnt."""

import torch

from adapterhub.compose.merging.meet import meet, renamings
from adapterhub.lora.adapter import Adapter
from tests.lora.builders import delta

OLD = "vit.encoder.layer.0.attention.attention.query"
NEW = "vit.layers.0.attention.q_proj"


def of(*modules, **fields):
    return Adapter({module: delta() for module in modules}, **fields)


def names(*adapters):
    return [list(one.deltas) for one in meet(adapters)]


def test_names_of_two_versions_of_transformers_become_those_of_the_first():
    assert names(of(OLD), of(NEW)) == [[OLD], [OLD]]
    assert names(of(NEW), of(OLD), of(OLD, "vit.encoder.layer.1.output.dense")) == [
        [NEW],
        [NEW],
        [NEW, "vit.layers.1.mlp.fc2"],
    ]


def test_a_bare_model_and_one_with_a_head_meet():
    assert names(of("model.layers.0.q_proj"), of("layers.0.q_proj")) == [["model.layers.0.q_proj"]] * 2


def test_names_that_agree_or_have_nothing_in_common_are_left_alone():
    first, second = of("layers.0.q_proj", "layers.0.v_proj"), of("layers.0.v_proj", "layers.0.k_proj")
    assert meet([first, second]) == [first, second]
    assert [rule for rule, _ in renamings([first, of("h.0.c_attn")])] == ["identity", "identity"]


def test_everything_an_adapter_carries_is_renamed_with_it():
    extra = {
        "tensors": {f"{NEW}.weight": torch.ones(1)},
        "shifts": {NEW: torch.ones(6)},
        "biases": {NEW: torch.ones(6)},
    }
    moved = meet([of(OLD), of(NEW, **extra)])[1]
    assert (list(moved.tensors), list(moved.shifts), list(moved.biases)) == ([f"{OLD}.weight"], [OLD], [OLD])

"""Phrases stand between dots, and go back as they came."""

from hypothesis import given
from hypothesis import strategies as st

from adapterhub.base.naming.phrases import change, joined

BLOCK = {"encoder.layer.{}.output.dense": "layers.{}.mlp.fc2", "encoder.layer.{}": "layers.{}"}


def test_the_longest_phrase_is_taken():
    rewrite = change(BLOCK)
    assert rewrite("vit.encoder.layer.3.output.dense") == "vit.layers.3.mlp.fc2"
    assert rewrite("vit.encoder.layer.3.layernorm_after") == "vit.layers.3.layernorm_after"


def test_a_phrase_is_no_part_of_a_word():
    rewrite = change({"layer": "layers", "w1": "gate"})
    assert [rewrite(name) for name in ("sublayer.0", "layer_norm", "x.w1", "w10")] == [
        "sublayer.0",
        "layer_norm",
        "x.gate",
        "w10",
    ]


def test_numbers_are_kept_in_their_order():
    assert change({"block.{}.{}": "stages.{}.blocks.{}"})("block.1.20.mlp") == "stages.1.blocks.20.mlp"


def test_two_changes_go_one_after_the_other():
    assert joined(change({"a": "b"}), change({"b": "c"}))("x.a") == "x.c"


@given(
    st.lists(st.sampled_from(["vit", "attention", "output", "dense", "q_proj", "7"]), max_size=4), st.integers(0, 99)
)
def test_there_and_back_is_nowhere(tail, number):
    name = ".".join(["model", "encoder", "layer", str(number), *tail])
    assert change({new: old for old, new in BLOCK.items()})(change(BLOCK)(name)) == name

"""Slices for slices; that transformers cuts them so is measured in test_find."""

import pytest

from adapterhub.base.slices import experts, fused
from adapterhub.base.weights import Weight

GATE, UP, DOWN = "experts.gate_proj", "experts.up_proj", "experts.down_proj"


def ones(count=2, leaves=("w1", "w2", "w3"), **odd):
    shapes = {"w1": (3, 5), "w3": (3, 5), "w2": (5, 3), **odd}
    names = [(leaf, n) for n in range(count) for leaf in leaves]
    return {f"m.experts.{n}.{leaf}": Weight(shapes[leaf], (f"m.experts.{n}.{leaf}.weight",)) for leaf, n in names}


def stacks(**shapes):
    return {f"m.experts.{leaf}": Weight(shape, (leaf,)) for leaf, shape in shapes.items()}


def shapes(some, hidden=None):
    return {name: weight.shape for name, weight in experts(some, hidden)}


def test_experts_one_by_one_are_a_stack():
    found = dict(experts(ones(), None))
    assert found["m.experts.gate_up_proj"].shape == (2, 6, 5)
    assert found["m.experts.down_proj"].shape == (2, 5, 3)
    assert found["m.experts.gate_up_proj"].tensors == (
        "m.experts.0.w1.weight",
        "m.experts.1.w1.weight",
        "m.experts.0.w3.weight",
        "m.experts.1.w3.weight",
    )


def test_experts_of_several_sizes_or_with_gaps_are_no_stack():
    assert "m.experts.gate_up_proj" not in shapes(ones(w3=(4, 5)))
    gap = {name: weight for name, weight in ones(3).items() if name != "m.experts.1.w2"}
    assert "m.experts.down_proj" not in shapes(gap)


def test_experts_without_a_gate_have_two_stacks():
    assert shapes(ones(leaves=("w3", "w2"))).keys() == {f"m.{UP}", f"m.{DOWN}"}


@pytest.mark.parametrize("turned", [False, True])
def test_a_stack_is_cut_the_way_it_lies(turned):
    both, down = ((2, 5, 6), (2, 3, 5)) if turned else ((2, 6, 5), (2, 5, 3))
    found = shapes(stacks(gate_up_proj=both, down_proj=down), 5)
    assert found["m.experts.1.gate_proj"] == found["m.experts.1.w3"] == (3, 5)
    assert found["m.experts.0.down_proj"] == (5, 3)
    assert "m.experts.2.w1" not in found


def test_stacks_of_gate_and_up_are_one_together():
    assert shapes(stacks(gate_proj=(2, 3, 5), up_proj=(2, 3, 5)))["m.experts.gate_up_proj"] == (2, 6, 5)


def test_a_fused_weight_has_equal_parts():
    found = dict(fused({"encoder.layers.0.attn.Wqkv": Weight((9, 5), ("w",))}, "nomic_bert"))
    assert {name: weight.shape for name, weight in found.items()} == {
        f"encoder.layers.0.self_attn.{leaf}": (3, 5) for leaf in ("q_proj", "k_proj", "v_proj")
    }
    assert [weight.part for weight in found.values()] == ["rows 0", "rows 1", "rows 2"]


def test_parts_are_one_whole():
    parts = {f"layers.0.self_attn.{leaf}": Weight((3, 5), (leaf,)) for leaf in ("q_proj", "k_proj", "v_proj")}
    assert dict(fused(parts, "nomic_bert"))["layers.0.attn.Wqkv"] == Weight(
        (9, 5), ("q_proj", "k_proj", "v_proj"), rule="fused"
    )
    assert dict(fused({**parts, "layers.0.self_attn.k_proj": Weight((3, 4), ())}, "nomic_bert")) == {}


def test_other_types_are_not_cut():
    assert list(fused({"layers.0.attn.Wqkv": Weight((9, 5), ("w",))}, "modernbert")) == []

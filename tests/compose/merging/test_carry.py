"""What is no product of factors is carried where that has one meaning, and refused by name where not."""

import pytest
import torch

from adapterhub.compose.merging.carry import carry
from adapterhub.compose.recipe import Recipe
from adapterhub.errors import Refused
from adapterhub.lora.adapter import Adapter, Gain, Rows
from adapterhub.lora.delta import Delta, Form

ONE, TWO = torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0])


def carried(*parts, **how):
    recipe = Recipe.model_validate(
        {"adapters": [{"adapter": f"a/{n}", "weight": weight} for n, (_, weight) in enumerate(parts)], **how}
    )
    return carry(recipe, [adapter for adapter, _ in parts])


@pytest.mark.parametrize("method", ["sum", "svd"])
def test_biases_of_b_add_up(method):
    got = carried((Adapter(shifts={"q": ONE}), 0.5), (Adapter(shifts={"q": TWO, "v": TWO}), -1.0), method=method)
    assert {module: shift.tolist() for module, shift in got.shifts.items()} == {"q": [-9.5, -19], "v": [-10, -20]}


def test_biases_of_b_have_no_other_merge():
    with pytest.raises(Refused, match="biases of B at q, which ties"):
        carried((Adapter(shifts={"q": ONE}), 1.0), method="ties")


def test_biases_are_blended_where_the_weights_add_up_to_one():
    got = carried((Adapter(biases={"q": ONE}), 0.75), (Adapter(biases={"q": TWO}), 0.25))
    assert got.biases["q"].tolist() == [3.25, 6.5]


def test_biases_need_the_base_elsewhere():
    with pytest.raises(Refused, match=r"at q, and the weights .* add up to 0.75"):
        carried((Adapter(biases={"q": ONE}), 0.75), (Adapter(), 0.25))


def test_a_head_of_one_adapter_is_kept_whole_at_any_weight():
    assert carried((Adapter(tensors={"score.weight": ONE}), 0.3), (Adapter(), 0.7)).tensors["score.weight"] is ONE


def test_the_same_head_in_two_adapters_is_that_head():
    same = Adapter(tensors={"s": ONE}), Adapter(tensors={"s": ONE.clone()})
    assert carried((same[0], 0.5), (same[1], 0.5)).tensors["s"] is ONE
    assert torch.equal(carried((same[0], 0.5), (same[1], 0.5), choose="a/1").tensors["s"], ONE)


def test_trained_tokens_unite_at_weight_one_where_they_are_others():
    one, other = Adapter(rows={"wte": Rows((3,), ONE[None])}), Adapter(rows={"wte": Rows((1, 5), TWO.repeat(2, 1))})
    assert carried((one, 1.0), (other, 1.0)).rows["wte"].indices == (3, 1, 5)
    with pytest.raises(Refused, match=r"a/0 has trained tokens at wte, which at a weight of 0\.5 need the base"):
        carried((one, 0.5))
    with pytest.raises(Refused, match="both trained token 3 of wte"):
        carried((one, 1.0), (one, 1.0))


def test_convolutions_in_groups_are_not_mixed():
    grouped = Delta(torch.ones(2, 3), torch.ones(4, 2), form=Form("conv", (3,)), groups=2)
    with pytest.raises(Refused, match="in groups at conv"):
        carried((Adapter({"conv": grouped}), 1.0))


def test_two_heads_are_never_blended_but_chosen():
    parts = (Adapter(tensors={"score.weight": ONE}), 0.5), (Adapter(tensors={"score.weight": TWO}), 0.5)
    with pytest.raises(Refused, match=r"a/0 and a/1 each have their own score\.weight"):
        carried(*parts)
    assert carried(*parts, choose="a/1").tensors["score.weight"] is TWO
    with pytest.raises(Refused, match="a/7 was chosen"):
        carried(*parts, choose="a/7")


def test_two_heads_are_blended_where_that_is_asked_and_the_weights_add_up_to_one():
    one, other = Adapter(tensors={"s": ONE, "t": ONE.bfloat16()}), Adapter(tensors={"s": TWO, "t": TWO.bfloat16()})
    got = carried((one, 0.75), (other, 0.25), choose="mean").tensors
    assert got["s"].tolist() == got["t"].tolist() == [3.25, 6.5]
    assert (got["s"].dtype, got["t"].dtype) == (torch.float32, torch.bfloat16)
    with pytest.raises(Refused, match=r"s has a mean only .* add up to 1, not 0\.75"):
        carried((one, 0.5), (other, 0.25), choose="mean")


def test_heads_of_unlike_shapes_have_no_mean():
    with pytest.raises(Refused, match=r"a/0 \[2\], a/1 \[3\]"):
        carried((Adapter(tensors={"s": ONE}), 0.5), (Adapter(tensors={"s": torch.ones(3)}), 0.5), choose="mean")


def test_an_adapter_that_is_off_has_no_say():
    assert carried((Adapter(tensors={"s": ONE}, magnitudes={"q": ONE}), 0.0), (Adapter(), 1.0)).tensors == {}


def test_all_that_needs_the_base_is_refused_at_once():
    first = Adapter(magnitudes={"q": ONE}, tensors={"s": ONE})
    second = Adapter(gains={"k": Gain(ONE, "out")}, tensors={"s": TWO})
    with pytest.raises(Refused, match=r"DoRA magnitudes at q.*IA3 vectors at k.*each have their own s"):
        carried((first, 1.0), (second, 1.0))


def test_outlines_find_the_same_faults():
    vector = ONE.to("meta")
    assert carried((Adapter(shifts={"q": vector}), 2.0)).shifts["q"].is_meta
    with pytest.raises(Refused, match="DoRA"):
        carried((Adapter(magnitudes={"q": vector}), 1.0))

"""Everything a name can mean in a base."""

from adapterhub.base.reach import reach
from adapterhub.base.weights import Weight


def test_a_weight_of_its_own_comes_before_slices_and_ties():
    weights = {
        "wte": Weight((9, 5), ("wte",)),
        "m.experts.gate_up_proj": Weight((2, 6, 5), ("stack",)),
        "m.experts.0.w1": Weight((3, 5), ("own",)),
    }
    found = reach(weights, "mixtral", {"hidden_size": 5})
    assert weights.items() <= found.items()
    assert found["m.experts.1.w1"].rule == "experts apart"
    assert found["lm_head"].rule == "tied"


def test_a_config_of_nonsense_is_no_size():
    stack = {"m.experts.down_proj": Weight((2, 5, 3), ("stack",))}
    assert reach(stack, None, {"hidden_size": "5"})["m.experts.0.w2"].shape == (5, 3)

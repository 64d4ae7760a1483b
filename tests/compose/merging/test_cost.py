"""What a plan says of the cost is about what the work takes."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from adapterhub.compose.merging.cost import cost
from adapterhub.compose.merging.merge import merge
from adapterhub.compose.merging.plan import plan
from adapterhub.compose.methods import METHODS
from adapterhub.compose.recipe import Recipe
from adapterhub.lora.adapter import Adapter
from tests.lora.builders import delta


def steps_of(method, **how):
    adapters = [Adapter({"q": delta(800, 600, 8, seed=seed)}) for seed in (1, 2)]
    recipe = Recipe.model_validate({"adapters": [{"adapter": "a"}, {"adapter": "b"}], "method": method, **how})
    return plan(recipe, adapters), [adapter.deltas for adapter in adapters]


@pytest.mark.parametrize("method", METHODS)
def test_operations_are_those_that_are_counted_within_a_factor_of_two(method):
    steps, deltas = steps_of(method)
    with FlopCounterMode(display=False) as counted:
        list(merge(steps, deltas))
    assert 0.5 <= cost(steps, 0).flops / counted.get_total_flops() <= 2


def test_what_is_written_is_what_the_factors_hold_at_most():
    steps, deltas = steps_of("sum")
    ((_, result),) = merge(steps, deltas)
    assert cost(steps, 0).writes == result.A.nbytes + result.B.nbytes


def test_memory_holds_the_adapters_the_result_and_the_largest_module():
    small, dense = cost(steps_of("sum")[0], 1000), cost(steps_of("ties")[0], 1000)
    assert small.memory > 1000 + small.writes
    assert dense.memory > small.memory + 800 * 600 * torch.float32.itemsize


@pytest.mark.parametrize(
    ("method", "how", "exact"),
    [
        ("sum", {}, True),
        ("sum", {"rank": 16}, True),
        ("sum", {"rank": 15}, False),
        ("svd", {}, False),
        ("sum", {"energy": 0.9}, False),
        ("ties", {"rank": 16}, False),
    ],
)
def test_a_sum_is_exact_where_every_direction_is_kept(method, how, exact):
    (step,), _ = steps_of(method, **how)
    assert step.exact == exact

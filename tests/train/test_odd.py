"""What is asked for and hardly meant is told; what may be meant is not."""

import pytest

from adapterhub.train.config import TrainConfig
from adapterhub.train.odd import odd

CHANGED = {"query": (32, 64), "dense": (16, 32)}


def told(changed=CHANGED, steps=10, **fields):
    """Check and place of every finding, and what is said."""
    least = {"base": "./b", "name": "a/b", "task": "t", "data": {"train": "t.csv"}}
    config = TrainConfig.model_validate({**least, **fields})
    return [(found.check, found.place, found.message) for found in odd(config, changed, steps)]


def test_a_warm_up_that_outlasts_the_run_is_told_with_the_rate_it_ends_at():
    ((check, place, said),) = told(optim={"warmup": 1000, "lr": 1e-2})
    assert (check, place) == ("long-warmup", "optim.warmup")
    assert said == "1,000 steps, and the run has 10: its rate ends at 0.0001"


@pytest.mark.parametrize("warmup", [0, 0.06, 0.99, 10])
def test_a_warm_up_that_ends_with_the_run_or_before_is_none_to_tell(warmup):
    assert told(optim={"warmup": warmup}) == []


def test_a_rank_no_weight_can_have_is_told():
    ((check, place, said),) = told(adapter={"rank": 33})
    assert (check, place) == ("rank-exceeds-layer", "adapter.rank")
    assert said == "33, and no weight that is changed has a rank above 32"


@pytest.mark.parametrize(
    ("changed", "adapter"),
    [
        (CHANGED, {"rank": 32}),
        ({"conv": (64, 3, 3, 3)}, {"rank": 27}),
        (CHANGED, {"rank": 1000, "method": "vera"}),
        ({}, {"rank": 1000}),
    ],
    ids=["that of one layer", "over the places of a kernel", "vectors of any length", "nothing is changed"],
)
def test_a_rank_some_weight_can_have_is_none_to_tell(changed, adapter):
    assert told(changed, adapter=adapter) == []


def test_both_are_told():
    assert [check for check, *_ in told(optim={"warmup": 11}, adapter={"rank": 33})] == [
        "long-warmup",
        "rank-exceeds-layer",
    ]

"""What is no weight, no mapping and no row is told in words, before anything changes."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from adapterhub.compose.live.stack import stack
from adapterhub.errors import NotFound, WrongUsage
from tests.compose.live.test_stack import of
from tests.lora.builders import delta


def two():
    return stack(nn.Linear(5, 6), [("a", of(delta(seed=1)), 1.0), ("b", of(delta(seed=2)), 0.5)])


NO_WEIGHTS = [0.5, None, ["a"], "a", {"a": "0.5"}, {"a": None}, {"a": 1j}, {"a": [1.0]}, {"a": torch.ones(2)}]
NO_WEIGHTS += [{"a": float("nan")}, {"a": float("-inf")}, {"a": 10**400}]
NO_ROWS = [{"a": 1.0}, "a", None, 3, [0.5], [{"a": 1.0}, None], [{"a": float("nan")}], [{"a": "1"}]]


@pytest.mark.parametrize("weights", NO_WEIGHTS, ids=str)
def test_what_is_no_mapping_of_names_to_finite_numbers_is_refused(weights):
    with two() as live:
        with pytest.raises(WrongUsage, match=r"weights are |the weight of a is ") as refusal:
            live.weights = weights
        assert "number" in refusal.value.hint
        assert live.weights == {"a": 1.0, "b": 0.5}


@pytest.mark.parametrize("rows", NO_ROWS, ids=str)
def test_what_is_no_mapping_for_each_row_is_refused(rows):
    with two() as live:
        with pytest.raises(WrongUsage, match=r"rows are |weights are |the weight of a is "):
            live.route(rows)
        assert live.weights == {"a": 1.0, "b": 0.5}


@pytest.mark.parametrize("name", [3, None, ["a"], {"a": 1.0}, "c"], ids=str)
def test_what_is_no_name_is_not_in_the_stack(name):
    live = two()
    for call in (live.only, live.remove):
        with pytest.raises(NotFound, match="not in this stack") as refusal:
            call(name)
        assert refusal.value.hint == "it holds a, b"
    if name is not None:
        with pytest.raises(NotFound):
            live.choose = name
    assert live.weights == {"a": 1.0, "b": 0.5}


@pytest.mark.parametrize("number", [1, True, Fraction(1, 2), np.float32(0.5), torch.tensor(0.5)], ids=repr)
def test_numbers_of_all_kinds_are_weights(number):
    live = two()
    live.weights = {"a": number}
    assert live.weights == {"a": float(number), "b": 0.0}


def test_what_is_no_adapter_or_no_model_is_told():
    with pytest.raises(WrongUsage, match="'c' comes with a str, not with an adapter"):
        two().attach("c", "ada/sql")
    with pytest.raises(WrongUsage, match="the weight of c is 'x'"):
        two().attach("c", of(delta()), "x")
    with pytest.raises(WrongUsage, match="and this is a str"):
        stack("model", [])

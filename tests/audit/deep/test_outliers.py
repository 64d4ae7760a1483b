"""A layer that is far from its like is found, and no layer of adapters as they are trained is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.audit.deep.outliers import outliers

USUAL = {f"h.{n}.q": 1 + 0.3 * n for n in range(12)}


@pytest.mark.parametrize("times", [100.0, 0.001])
def test_one_layer_far_from_the_others_is_found(times: float) -> None:
    (found,) = outliers({**USUAL, "h.4.q": times})
    assert (found.module, found.size) == ("h.4.q", times)


def test_kinds_are_compared_each_by_itself() -> None:
    assert outliers(USUAL) == []
    assert outliers(USUAL | {f"h.{n}.v": 1000 + n for n in range(12)}) == []
    assert outliers({f"h.{n}.mlp.experts[{e}]": 1.0 for n in range(2) for e in range(8)} | {"lm_head": 900.0}) == []


@given(st.lists(st.floats(1, 7.9), max_size=40))
def test_what_is_less_than_eight_times_away_is_none(sizes: list[float]) -> None:
    assert outliers({f"h.{n}.q": size for n, size in enumerate(sizes)}) == []


def test_where_sizes_are_spread_wide_wide_is_usual() -> None:
    assert outliers({f"h.{n}.q": 3.0**n for n in range(12)}) == []


def test_few_layers_say_nothing_and_zero_is_no_size() -> None:
    assert outliers({"h.0.q": 1, "h.1.q": 1, "h.2.q": 1, "h.3.q": 1, "h.4.q": 1000}) == []
    assert outliers({**USUAL, "h.4.q": 0.0}) == []


def test_half_of_the_layers_may_be_wrong_but_one() -> None:
    wrong = {f"h.{n}.q": 1000.0 + n for n in range(5)}
    assert {found.module for found in outliers(USUAL | wrong)} == wrong.keys()

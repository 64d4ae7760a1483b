"""Pairs as they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.cli.words import numbers, values
from adapterhub.errors import WrongUsage


@pytest.mark.parametrize("word", ["accuracy", "=1", "accuracy=high", "accuracy=nan", "accuracy=inf", "accuracy="])
def test_a_metric_is_a_name_and_a_finite_number(word):
    with pytest.raises(WrongUsage, match="--metric"):
        numbers([word], "--metric")


def test_of_two_metrics_with_one_name_the_later_counts():
    assert numbers(["a=1", "a=2"], "--metric") == {"a": 2.0}


@pytest.mark.parametrize("text", ["007", "1_000", "nan", "inf", "v2", "", "٣", "1.0.0", "0x10"])
def test_what_only_looks_like_a_number_stays_text(text):
    assert values([f"key={text}"], "note") == {"key": text}


def test_the_value_may_hold_an_equals_sign():
    assert values(["run=lr=3e-4 seed=1"], "note") == {"run": "lr=3e-4 seed=1"}


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_stay_numbers(number):
    assert values([f"key={number!r}"], "note") == {"key": number}

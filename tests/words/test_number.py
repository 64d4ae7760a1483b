"""One grammar for the numbers a person types."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.cli.words import numbers, values
from adapterhub.errors import BadReference, WrongUsage
from adapterhub.expression import parse
from adapterhub.number import number
from adapterhub.store.index.where import Comparison

WORDS = ("", "-", ".", "1.", "007", "+5", "1_000", "٣", "1٣", "nan", "inf", "1e999", "0x10", " 1", "1\n", "9" * 5000)


@pytest.mark.parametrize(("text", "value"), [("8", 8), ("-0.5", -0.5), (".5", 0.5), ("1e-3", 0.001), ("0", 0)])
def test_a_number_is_the_same_wherever_it_is_typed(text, value):
    assert number(text) == value
    assert type(number(text)) is type(value)
    assert numbers([f"k={text}"], "--metric") == {"k": value}
    assert values([f"k={text}"], "note") == {"k": value}
    assert parse(f"a/b*{text}").terms[0].weight == value
    assert Comparison("rank", "=", text).number == value


@pytest.mark.parametrize("text", WORDS, ids=lambda text: repr(text)[:12])
def test_a_word_is_a_number_nowhere(text):
    assert number(text) is None
    assert values([f"k={text}"], "note") == {"k": text}
    assert Comparison("rank", "=", text).number is None
    with pytest.raises(WrongUsage, match="wanted a finite number"):
        numbers([f"k={text}"], "--metric")
    if text == text.strip():  # a space ends a term
        with pytest.raises(BadReference, match="a weight is a finite number"):
            parse(f"a/b*{text}")


@given(st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_and_json_write_is_read_as_it_was(value):
    assert number(repr(value)) == value
    assert number(json.dumps(value)) == value


@given(st.text(alphabet="0123456789.eE+-_٣ ", max_size=12))
def test_what_is_read_is_finite_and_what_python_reads(text):
    if (value := number(text)) is not None:
        assert math.isfinite(value)
        assert value == float(text)

"""The grammar of conditions."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import BadReference
from adapterhub.store.index.query import Question, search
from adapterhub.store.index.where import All, Comparison, Either, Not, parse
from tests.builders import filled


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Comparison(field, "=", "1") for field in "abc")
    assert parse("a=1 or not b=1 and c=1") == Either((a, All((Not(b), c))))
    assert parse("(a=1 or b=1) and c=1") == All((Either((a, b)), c))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("f=8", "8"),
        ("f=1.10", "1.10"),
        ("f='to keep'", "to keep"),
        ('f="and"', "and"),
        ("f=''", ""),
        ("f=a/b@1", "a/b@1"),
    ],
)
def test_a_value_is_kept_as_it_was_written(text: str, value: str) -> None:
    assert parse(text) == Comparison("f", "=", value)


@pytest.mark.parametrize(
    ("word", "number"), [("8", 8.0), ("-1e3", -1000.0), ("x", None), ("nan", None), ("1e999", None), ("", None)]
)
def test_a_value_is_a_number_where_it_is_finite(word: str, number: float | None) -> None:
    assert Comparison("f", "=", word).number == number


BAD = {
    "": "a field is missing at the end",
    "rank": "an operator is missing at the end",
    "rank>=": "a value is missing at the end",
    "rank 8": "a value is missing at the end",
    "rank is 8": "'is' is no operator",
    "rank>=8 accuracy>0.9": "'accuracy' is left over",
    "(rank>=8": "')' is missing at the end",
    "rank>=8)": "')' is left over",
    "(a=1 b=2)": "')' is missing",
    "'rank'>=8": "is no comparison",
    "rank>= >=": "is no comparison",
    "rank>=(8)": "is no comparison",
    "task='x": 'cannot read "\'x"',
    " or ".join(["a=1"] * 401): "more than 400 comparisons",
    "not " * 60 + "a=1": "more than 20 levels",
    "(" * 5000 + "a=1": "more than 20 levels",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:20])
def test_a_bad_condition_says_what_was_read_and_what_to_write(text: str) -> None:
    with pytest.raises(BadReference) as refusal:
        parse(text)
    assert str(refusal.value).startswith(f"cannot read the condition {text!r}: ")
    assert BAD[text] in str(refusal.value)
    assert "rank>=8 and accuracy>0.9" in refusal.value.hint


@pytest.mark.parametrize(
    ("text", "count"),
    [("not " * 19 + "rank=1", 1), (" or ".join(["rank=1"] * 400), 0), ("(rank=2 or not " * 9 + "rank=1" + ")" * 9, 1)],
)
def test_the_largest_condition_that_can_be_read_can_be_asked(tmp_path: Path, text: str, count: int) -> None:
    assert len(search(filled(tmp_path, "ada/poet"), Question(where=text))) == count


def test_many_comparisons_in_a_row_are_not_deep() -> None:
    assert parse(" or ".join(["(a=1)"] * 51)) == Either((Comparison("a", "=", "1"),) * 51)


@given(st.text(alphabet="ab1 ()='\"<>~!andornt", max_size=30))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with suppress(BadReference):
        assert parse(text)

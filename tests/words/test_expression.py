"""Expressions: weighted sums, written and read."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import BadReference
from adapterhub.expression import Expression, Term, parse
from adapterhub.reference import parse as reference
from tests.words.test_reference import REFERENCES

WEIGHTS = st.floats(allow_nan=False, allow_infinity=False)
FOLDERS = st.sampled_from([Path("run3"), Path("/runs/3"), Path("../run"), Path("runs*2/a")])
TERMS = st.builds(Term, REFERENCES | FOLDERS, WEIGHTS)


@given(st.lists(TERMS, min_size=1, max_size=5))
def test_what_is_written_is_read_again(terms: list[Term]) -> None:
    expression = Expression(tuple(terms))
    assert parse(str(expression)) == expression


def test_minus_turns_the_weight_of_the_term_that_follows() -> None:
    assert [term.weight for term in parse("- a/b - c/d*2 + e/f*-3").terms] == [-1.0, -2.0, -3.0]


def test_plus_and_minus_are_operators_only_between_spaces() -> None:
    assert parse("a-1/b-2").terms == (Term(reference("a-1/b-2")),)


BAD = {
    "": "names no adapter",
    "-": "names no adapter",
    "a/b +": "nothing follows '+'",
    "a/b c/d": "nothing follows 'c/d'",
    "a/b x c/d": "'x' is not + or -",
    "a/b*": "a weight is a finite number, got ''",
    "a/b*heavy": "a weight is a finite number, got 'heavy'",
    "a/b*nan": "a weight is a finite number, got 'nan'",
    "a/b*1e999": "a weight is a finite number, got '1e999'",
    "a/b*1_0": "a weight is a finite number, got '1_0'",
    "*2": "cannot read the reference ''",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_expression_says_what_was_read_and_what_to_write(text: str) -> None:
    with pytest.raises(BadReference) as refusal:
        parse(text)
    assert BAD[text] in str(refusal.value)
    assert "ada/" in refusal.value.hint


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with suppress(BadReference):
        assert parse(text).terms


@pytest.mark.parametrize("text", ["-ada/a", "+ada/a", "ada/a -ada/b", "ada/a + -ada/b*2", "ada/a +ada/b"])
def test_a_sign_without_its_space_is_told(text: str) -> None:
    with pytest.raises(BadReference, match="no space after the") as refusal:
        parse(text)
    assert refusal.value.hint.startswith(("write '- ada", "write '+ ada"))


@pytest.mark.parametrize(
    ("text", "hint"), [("0.5*ada/a", "write ada/a*0.5"), ("ada/a+ada/b", "write terms between spaces")]
)
def test_an_expression_written_in_another_way_is_explained(text: str, hint: str) -> None:
    with pytest.raises(BadReference) as refusal:
        parse(text)
    assert refusal.value.hint.startswith(hint)

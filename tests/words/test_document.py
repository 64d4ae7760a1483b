"""Documents have one canonical form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.document import Document, canonical
from adapterhub.errors import Corrupt

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


class Poem(Document):
    """A document for these tests."""

    title: str = ""
    lines: tuple[str, ...] = ()
    about: dict[str, Any] = {}


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_the_canonical_form_is_json_and_does_not_know_the_order(data: dict[str, Any]) -> None:
    backwards = dict(reversed(list(data.items())))
    assert canonical(data) == canonical(backwards)
    assert json.loads(canonical(data)) == data


@given(TEXT, st.lists(TEXT), st.dictionaries(TEXT, JSON, max_size=4))
def test_what_is_written_is_read_again(title: str, lines: list[str], about: dict[str, Any]) -> None:
    poem = Poem(title=title, lines=tuple(lines), about=about)
    again = Poem.from_bytes(poem.to_bytes(), "poem")
    assert again.to_bytes() == poem.to_bytes()
    assert again == poem


def test_fields_it_does_not_know_are_kept() -> None:
    data = b'{"metre":{"feet":5},"title":"Ode"}'
    assert Poem.from_bytes(data, "poem").to_bytes() == data


def test_fields_that_say_nothing_are_left_out_but_not_inside_of_data() -> None:
    assert Poem(about={"editor": None}).to_bytes() == b'{"about":{"editor":null}}'


def test_what_cannot_be_json_is_corrupt() -> None:
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"a": deep}
    for bad in (float("nan"), float("inf"), 10**400, 10**5000, "\ud800", deep):
        with pytest.raises(Corrupt, match="Poem: cannot be written as JSON"):
            Poem(about={"x": bad}).to_bytes()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b'{"title":5}', b'{"title":"\xff"}', b'{"about":' + b"[" * 10_000, b'{"title"}']
)
def test_bytes_that_are_no_such_document_are_corrupt_and_name_the_place(data: bytes) -> None:
    with pytest.raises(Corrupt, match=r"^poem\.json: "):
        Poem.from_bytes(data, "poem.json")


def nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for _ in range(depth):
        data = {"a": data}
    return data


@pytest.mark.parametrize("depth", [90, 110, 199, 250, 400])
def test_nothing_is_written_that_cannot_be_read(depth: int) -> None:
    poem = Poem(about=nested(depth))
    if depth > 100:
        with pytest.raises(Corrupt, match="cannot be written as JSON: more than 100 lists and objects"):
            poem.to_bytes()
    else:
        assert Poem.from_bytes(poem.to_bytes(), "poem").about == nested(depth)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1E+400", "9" * 400, f"{'9' * 300}e20"])
@pytest.mark.parametrize("place", ['{"about":{"a":[%s]}}', '{"metre":%s}'])
def test_a_number_that_no_float_holds_is_corrupt(number: str, place: str) -> None:
    with pytest.raises(Corrupt, match=r"^poem\.json: .* is no finite number"):
        Poem.from_bytes((place % number).encode(), "poem.json")


@pytest.mark.parametrize("number", ["1e308", "1e-999", "123456789012345678901234567890"])
def test_a_number_is_good_as_far_as_floats_reach(number: str) -> None:
    read = Poem.from_bytes(f'{{"title":"NaN","about":{{"a":{number}}}}}'.encode(), "poem")
    assert read.about["a"] == json.loads(number)

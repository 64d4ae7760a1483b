"""Version labels are opaque words; without one, the next integer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import BadReference
from adapterhub.version import check_label, is_label, next_integer

LABELS = st.from_regex(r"[0-9]{1,96}|[A-Za-z0-9][A-Za-z0-9._-]{0,95}", fullmatch=True).filter(is_label)


@given(st.lists(LABELS))
def test_the_next_integer_is_a_label_that_nobody_has(labels: list[str]) -> None:
    fresh = next_integer(labels)
    assert is_label(fresh)
    assert fresh not in labels


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([], "1"), (["1", "3"], "4"), (["1.2", "rc"], "1"), (["9" * 96], "1"), (["٣"], "1"), (["007"], "8")],
)
def test_the_next_integer_is_one_more_than_the_largest(labels: list[str], expected: str) -> None:
    assert next_integer(labels) == expected


@pytest.mark.parametrize("label", ["", ".hidden", "-x", "a/b", "a b", "a..b", "x" * 97, "1\n", "é"])
def test_what_is_no_label_is_refused_by_name(label: str) -> None:
    with pytest.raises(BadReference) as refusal:
        check_label(label, "alias")
    assert str(refusal.value) == f"not a valid alias: {label!r}"
    assert "1, 1.2.0, prod" in refusal.value.hint

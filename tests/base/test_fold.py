"""Long lists of modules as one line."""

from hypothesis import given
from hypothesis import strategies as st

from adapterhub.base.fold import fold, sentence


def test_numbers_fold_into_ranges():
    names = [f"layers.{n}.q" for n in (0, 1, 2, 5, 7, 8)] + ["layers.0.v"]
    assert fold(names) == ["layers.0-2,5,7-8.q", "layers.0.v"]


def test_only_the_first_number_folds():
    assert fold(["a.0.b.1.c", "a.1.b.1.c", "a.0.b.2.c"]) == ["a.0-1.b.1.c", "a.0.b.2.c"]


def test_a_long_list_is_cut_and_counted():
    assert sentence([f"m{n}" for n in range(9)], limit=2) == "m0, m1 and 7 more"


@given(st.lists(st.text("a.0١", min_size=1, max_size=8), unique=True))
def test_no_name_gets_lost(names):
    assert len(fold(names)) <= len(names)
    assert all(fold([name]) == [name] for name in names)

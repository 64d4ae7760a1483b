"""Tables never wrap."""

from hypothesis import given
from hypothesis import strategies as st

from adapterhub.cli.table import Column, lines
from adapterhub.cli.text import wide

COLUMNS = [Column("NAME", keep=6, yields=2), Column("BASE", keep=4, yields=1), Column("RANK", right=True)]
ROWS = [["ada/poet@1", "meta-llama/Llama-3.2-1B", "8"], ["ada/a@1", "", "128"]]


def test_without_a_terminal_every_cell_is_whole():
    assert lines(COLUMNS, ROWS) == [
        "NAME        BASE                     RANK",
        "ada/poet@1  meta-llama/Llama-3.2-1B     8",
        "ada/a@1                               128",
    ]


def test_the_least_important_column_is_shortened_first():
    assert lines(COLUMNS, ROWS, width=30) == [
        "NAME        BASE          RANK",
        "ada/poet@1  meta-llama/…     8",
        "ada/a@1                    128",
    ]


def test_the_next_one_yields_when_the_first_has_nothing_left():
    assert lines(COLUMNS, ROWS, width=20)[1] == "ada/poe…  met…     8"


def test_a_column_without_a_word_is_left_out():
    assert lines(COLUMNS, [["ada/a@1", "", ""]]) == ["NAME", "ada/a@1"]


def test_a_table_without_rows_keeps_its_heading():
    assert lines(COLUMNS, []) == ["NAME"]


def test_what_a_terminal_would_obey_is_shown_instead():
    assert lines([Column("NAME")], [["a\x1b[2Jb\nc"]])[1] == "a\\x1b[2Jb\\nc"


@given(st.lists(st.lists(st.text(max_size=40), min_size=3, max_size=3), max_size=5), st.integers(22, 120))
def test_a_line_is_never_wider_than_the_terminal(rows, width):
    assert all(
        wide(line) <= width
        for line in lines([Column("A", keep=4), Column("B", keep=4), Column("C", keep=4)], rows, width)
    )

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


def test_headings_and_cells_fit_together_where_everything_is_shortened():
    columns = [
        Column("PATH", keep=8, yields=2, front=True), Column("HEALTH"), Column("IN STORE AS", keep=4, yields=1),
        Column("SAME AS", keep=0, yields=3),
    ]  # fmt: skip
    rows = [["runs/march/sql-r8", "cannot-be-added", "ada/sql-r8@1", "runs/april"]]
    assert lines(columns, rows, width=38) == [
        "PATH      HEALTH           IN STORE AS",
        "…/sql-r8  cannot-be-added  ada/sql-r8…",
    ]
    assert lines(columns, rows, width=30) == ["PATH           HEALTH", "…march/sql-r8  cannot-be-added"]
    assert lines(columns, rows, width=20) == ["PATH", "runs/march/sql-r8"]
    assert lines(columns, rows, width=9) == ["PATH", "…h/sql-r8"]


@given(st.integers(9, 120))
def test_a_heading_is_whole_or_not_there(width):
    heading = lines([*COLUMNS, Column("DIGEST")], [[*row, "0123456789ab"] for row in ROWS], width)[0]
    assert set(heading.split()) <= {"NAME", "BASE", "RANK", "DIGEST"}
    assert wide(heading) <= width

import math

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.train.data.columns import insist, is_empty
from tests.train.data.builders import table


def refusal(rows, wanted):
    with pytest.raises(WrongUsage) as caught:
        insist(table(rows), wanted)
    return str(caught.value), caught.value.hint


def test_a_table_with_its_columns_filled_is_good():
    insist(table([{"text": "x", "label": 0}, {"text": "y", "label": False}]), {"text": "text", "label": "label"})


def test_a_column_that_is_missing_is_named_with_those_there_are():
    told, hint = refusal([{"text": "x", "label": "y"}], {"text": "text", "label": "nope"})
    assert told == "train.csv has no column 'nope' (data.label); it has text, label"
    assert "data: {label: COLUMN}" in hint


def test_a_misspelt_column_is_guessed():
    assert refusal([{"text": "x", "label": "y"}], {"label": "lable"})[1] == "did you mean 'label'?"


def test_of_many_columns_some_are_named():
    assert "c19 and 980 more" in refusal([{f"c{i}": 1 for i in range(1000)}], {"label": "nope"})[0]


def test_empty_cells_are_counted_and_the_first_are_named():
    rows = [{"text": text} for text in ("", "a", " \n", "b", None, "c", "")] + [{}]
    assert refusal(rows, {"text": "text"})[0] == (
        "5 of 8 rows have nothing in column 'text' (data.text): "
        "train.csv, line 2; train.csv, line 4; train.csv, line 6; …"
    )


@pytest.mark.parametrize(("cell", "empty"), [(math.nan, True), ([], True), ({}, True), (0, False), (0.0, False)])
def test_nothing_is_empty_and_zero_is_not(cell, empty):
    assert is_empty(cell) is empty

"""What is odd about labels is told where the rows decide which labels there are."""

import pytest

from adapterhub.train.tasks.known import odd_labels
from tests.train.tasks.builders import asked, table

LABELS = table({"text": list("abc"), "label": ["poem", "Poem", "prose"]})
TAGS = table({"tokens": [["Ada", "wrote"], ["Bob"]], "tags": [["B-PER", "O"], ["b-per"]]})


@pytest.mark.parametrize(("task", "rows"), [("text-classification", LABELS), ("token-classification", TAGS)])
def test_labels_that_hardly_differ_are_told_unless_they_are_named(task, rows):
    (found,) = odd_labels(asked(task), rows)
    assert found.check == "labels-alike"
    assert odd_labels(asked(task, data={"labels": ["poem", "Poem", "prose"]}), rows) == ()


def test_of_two_tags_the_place_of_the_word_is_told():
    assert odd_labels(asked("token-classification"), TAGS)[0].place == "train.csv, line 2, word 1"


@pytest.mark.parametrize("task", ["seq2seq", "mine:make"])
def test_where_nothing_is_a_label_nothing_is_told(task):
    assert odd_labels(asked(task), LABELS) == ()

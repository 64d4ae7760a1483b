"""What is odd about labels is told where the rows decide which labels there are."""

from pathlib import Path

import pytest

from adapterhub.train.tasks.known import odd_labels
from tests.train.tasks.builders import asked, edit_config, save_bert, table

LABELS = table({"text": list("abc"), "label": ["poem", "Poem", "prose"]})
NOWHERE = Path("nowhere")
TAGS = table({"tokens": [["Ada", "wrote"], ["Bob"]], "tags": [["B-PER", "O"], ["b-per"]]})


@pytest.fixture
def base(tmp_path):
    return save_bert(tmp_path)


@pytest.mark.parametrize(("task", "rows"), [("text-classification", LABELS), ("token-classification", TAGS)])
def test_labels_that_hardly_differ_are_told_unless_they_are_named(base, task, rows):
    (found,) = odd_labels(asked(task), rows, NOWHERE)
    assert found.check == "labels-alike"
    assert odd_labels(asked(task, data={"labels": ["poem", "Poem", "prose"]}), rows, base) == ()


def test_of_two_tags_the_place_of_the_word_is_told():
    assert odd_labels(asked("token-classification"), TAGS, NOWHERE)[0].place == "train.csv, line 2, word 1"


@pytest.mark.parametrize("task", ["seq2seq", "mine:make"])
def test_where_nothing_is_a_label_nothing_is_told(task):
    assert odd_labels(asked(task), LABELS, NOWHERE) == ()


def test_labels_in_another_order_than_the_bases_head_are_told(base):
    edit_config(base, id2label={"0": "prose", "1": "poem"}, label2id={"prose": 0, "poem": 1})
    (found,) = odd_labels(asked("text-classification", data={"labels": ["poem", "prose"]}), LABELS, base)
    assert (found.check, found.place) == ("other-head", "data.labels")
    assert "in another order (prose, poem)" in found.message
    for labels in (["prose", "poem"], ["a", "b"]):
        assert odd_labels(asked("text-classification", data={"labels": labels}), LABELS, base) == ()

"""Entities in IOB2, as seqeval and conlleval read them."""

import pytest

from adapterhub.train.metrics.entities import entities, entity_scores


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("O O", []),
        ("B-PER I-PER O", [("PER", 0, 2)]),
        ("B-PER B-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("B-PER I-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),
        ("O I-ORG I-ORG", [("ORG", 1, 3)]),
        ("B-A-B I-A-B", [("A-B", 0, 2)]),
        ("", []),
    ],
)
def test_tags_become_entities(tags, found):
    assert entities(tags.split()) == found


def test_an_entity_is_right_with_all_its_words_and_its_type():
    # The example in seqeval's own documentation.
    wanted = [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    said = [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    assert entity_scores(said, wanted) == {"precision": 0.5, "recall": 0.5, "f1": 0.5}


def test_precision_and_recall_differ_where_too_much_is_named():
    scores = entity_scores([["B-X", "B-X", "B-X", "O"]], [["B-X", "O", "O", "O"]])
    assert scores == {"precision": pytest.approx(1 / 3), "recall": 1.0, "f1": pytest.approx(0.5)}


def test_nothing_there_and_nothing_found_is_no_success():
    assert entity_scores([["O"]], [["O"]]) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}

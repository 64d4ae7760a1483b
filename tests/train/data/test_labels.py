import pytest

from adapterhub.errors import WrongUsage
from adapterhub.train.data.labels import alike, encode, labels_of
from tests.train.data.builders import table


def labelled(*labels):
    return table([{"label": label} for label in labels])


def test_labels_are_those_of_the_rows_sorted():
    assert labels_of(labelled("dog", "Cat", "ant", "dog"), "label") == ("Cat", "ant", "dog")


def test_numbers_are_sorted_as_numbers():
    assert labels_of(labelled("10", "9", "-1", "0.5"), "label") == ("-1", "0.5", "9", "10")
    assert labels_of(labelled(10, 9, 1), "label") == ("1", "9", "10")
    assert labels_of(labelled("10", "9", "x"), "label") == ("10", "9", "x")


def test_a_whole_number_is_one_label_however_it_is_typed():
    assert encode(labelled(1, 1.0, "1", 0), "label", labels_of(labelled(0.0, 1.0), "label")) == [1, 1, 1, 0]


def test_the_order_that_is_given_wins():
    given = ("neutral", "bad", "good")
    assert labels_of(labelled("good", "bad"), "label", given) == given
    assert encode(labelled("good", "bad"), "label", given) == [2, 1]


def test_a_label_given_twice_is_told():
    with pytest.raises(WrongUsage, match=r"data.labels: 'a' stands there twice"):
        labels_of(labelled("a", "b"), "label", ["a", "b", "a"])


def test_an_unknown_label_is_told_with_its_place_and_the_known_ones():
    with pytest.raises(WrongUsage) as caught:
        encode(labelled("cat", "dgo", "eel"), "label", ("cat", "dog"))
    assert str(caught.value) == (
        "train.csv, line 3: the label 'dgo' (column 'label') is not known; known are cat, dog; 2 rows have such labels"
    )
    assert caught.value.hint == "did you mean 'dog'?"


def test_one_label_alone_cannot_be_learnt():
    with pytest.raises(WrongUsage, match=r"train.csv: every row has the label 'cat' in column 'label', wanted two"):
        labels_of(labelled("cat", "cat"), "label", ("cat", "dog"))


@pytest.mark.parametrize("cell", [None, ["a"], float("nan")])
def test_what_is_no_label_is_told_with_its_place(cell):
    with pytest.raises(WrongUsage, match=r"train.csv, line 3: got "):
        labels_of(labelled("a", cell), "label")


def test_labels_that_hardly_differ_are_a_finding():
    (found,) = alike(labelled("poem", "poem", "Poem", "prose", " poem", "01", "1", "1.0", 1), "label")
    assert (found.check, found.severity, found.place) == ("labels-alike", "warning", "train.csv, line 6")
    assert "' poem' 1×, 'Poem' 1×, 'poem' 2×; '01' 1×, '1' 2×, '1.0' 1× (column 'label')" in found.message
    assert "data.labels" in found.remedy


def test_two_forms_of_unicode_that_look_the_same_are_shown_apart():
    (found,) = alike(labelled("\u00e9", "e\u0301", "e"), "label")
    assert r"'e\u0301' 1×, '\xe9' 1×" in found.message


@pytest.mark.parametrize(
    "labels",
    [
        ("poem", "prose", "poem"), ("1", "10", "-1", "0.1"), (1, 1.0, 0), ("é", "e"), ("nan", "inf", "sNaN"),
        ("12345678901234567890", "12345678901234567891"), ("1e999999999999999999999", "x"), ("no", "not"),
    ],
)  # fmt: skip
def test_labels_that_differ_are_none(labels):
    assert alike(labelled(*labels), "label") == ()


def test_of_many_some_are_shown():
    (found,) = alike(labelled(*(word for letter in "abcde" for word in (letter, letter.upper()))), "label")
    assert found.message.count("×") == 6
    assert "; …" in found.message

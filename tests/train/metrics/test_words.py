"""How close texts are."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.train.metrics.words import exact_match, normal, rouge_l, word_f1


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("The answer is: 42.", "answer is 42"),
        ("  a   an the ", ""),
        ("theatre another", "theatre another"),
        ("U.S.", "us"),
    ],
)
def test_a_text_is_read_without_articles_marks_and_capitals(text, read):
    assert normal(text) == read


def test_an_exact_match_overlooks_what_reading_does():
    assert exact_match("The Denver Broncos!", "denver broncos") == 1
    assert exact_match("Denver", "Denver Broncos") == 0


@pytest.mark.parametrize(
    ("said", "wanted", "score"),
    [("denver broncos", "denver", 2 / 3), ("b b b", "b", 0.5), ("x", "y", 0), ("", "", 1), ("", "x", 0)],
)
def test_word_f1_counts_each_word_as_often_as_it_stands_there(said, wanted, score):
    assert word_f1(said, wanted) == pytest.approx(score)


@pytest.mark.parametrize(
    ("said", "wanted", "score"),
    [
        ("police killed the gunman", "police kill the gunman", 0.75),
        ("the gunman kill police", "police kill the gunman", 0.5),
        ("one-two", "One two!", 1),
        ("", "", 1),
        ("x", "", 0),
    ],
)
def test_rouge_l_is_the_longest_common_subsequence(said, wanted, score):
    assert rouge_l(said, wanted) == pytest.approx(score)


SENTENCES = st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join)


@given(SENTENCES, SENTENCES)
def test_rouge_l_is_symmetric_and_at_most_the_shared_words(one, other):
    assert rouge_l(one, other) == rouge_l(other, one)
    assert 0 <= rouge_l(one, other) <= 1
    assert rouge_l(one, one) == 1


def test_rouge_l_agrees_with_a_search_of_all_subsequences():
    one, other = "abcabd", "bacbda"
    subsequences = [{c for k in range(7) for c in combinations(words, k)} for words in (one, other)]
    longest = max(map(len, subsequences[0] & subsequences[1]))
    assert rouge_l(" ".join(one), " ".join(other)) == pytest.approx(2 * longest / 12)

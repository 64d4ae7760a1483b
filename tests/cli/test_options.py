"""The options every command takes may stand anywhere."""

import pytest

from adapterhub.cli.options import Run, take
from adapterhub.errors import WrongUsage


@pytest.mark.parametrize("words", [["--json", "list"], ["list", "--json"]])
def test_an_option_may_stand_before_or_after_the_words(words):
    assert take(words) == (Run(json=True), ["list"])


@pytest.mark.parametrize("words", [["--store", "x", "list"], ["list", "--store=x"]])
def test_the_store_is_taken_with_its_path(words):
    assert take(words) == (Run(store="x"), ["list"])


def test_all_of_them_together():
    assert take(["--offline", "a", "--debug", "b"]) == (Run(offline=True, debug=True), ["a", "b"])


def test_after_two_dashes_nothing_is_an_option():
    assert take(["note", "--", "--json"]) == (Run(), ["note", "--", "--json"])


@pytest.mark.parametrize("words", [["--store"], ["--store="], ["--store", "--json"]])
def test_a_store_without_a_path_is_wrong_usage(words):
    with pytest.raises(WrongUsage, match="--store: the path is missing"):
        take(words)


def test_an_expression_that_begins_with_a_minus_is_no_option():
    assert take(["merge", "- ada/a*0.2 + ada/b", "ada/c"])[1] == ["merge", " - ada/a*0.2 + ada/b", "ada/c"]

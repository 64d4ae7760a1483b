"""Every name git allows has one file name, and no file name leaves its folder."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapterhub.errors import BadReference
from adapterhub.store.history.quoting import check_ref, is_ref, quote, unquote
from adapterhub.version import is_label

SHARP = st.sampled_from([*"aZ9./-_@{~^:?*[\\% \t\x7f!é", ".lock", "..", "@{", "refs/", "\ud800"])
WORDS = st.lists(SHARP, max_size=8).map("".join) | st.text(max_size=12)


@given(WORDS)
def test_what_is_quoted_comes_back_and_is_one_small_file_name(word: str) -> None:
    if is_ref(word):
        name = quote(word)
        assert unquote(name) == word
        assert name == name.lower() == Path(name).name
        assert name[0] != "."
        assert len(name) <= 255


@given(WORDS)
def test_a_file_name_is_nobodys_or_that_of_one_word(name: str) -> None:
    word = unquote(name)
    assert word is None or quote(word) == name


@settings(max_examples=60, deadline=None)
@given(WORDS)
def test_what_is_allowed_git_allows_too(word: str) -> None:
    if is_ref(word) and not is_label(word):
        subprocess.run(["git", "check-ref-format", f"refs/heads/{word}"], check=True)


@pytest.mark.parametrize(
    "word", ["main", "refs/pr/1", "alias/prod", "V1.0", "a%b", "größe", "HEAD", "a" * 255, "Q" * 96, "1."]
)
def test_names_that_people_use_are_allowed(word: str) -> None:
    assert check_ref(word, "branch") == word
    assert len(quote(word)) <= 255


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}", fullmatch=True))
def test_every_version_label_can_be_a_tag(label: str) -> None:
    assert is_label(label) == is_ref(label)
    assert not is_label(label) or unquote(quote(label)) == label


BAD = ["", ".", "..", "/", "@", "-a", "a..b", "a//b", "/a", "a/", ".a", "a/.b", "/.", "a/b.lock", "a/b.", "a@{b"]


@pytest.mark.parametrize("word", [*BAD, "a b", "a\nb", "a\0b", "a\\b", "a:b", "\ud800", "é" * 50, "a" * 256])
def test_names_that_no_disk_or_git_takes_are_refused(word: str) -> None:
    with pytest.raises(BadReference, match="not a valid branch"):
        check_ref(word, "branch")


def test_names_that_differ_in_case_alone_are_two_files() -> None:
    assert quote("Main").casefold() != quote("main").casefold()

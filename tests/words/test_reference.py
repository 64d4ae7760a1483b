"""References: what is read is what was written, and what cannot be read says what to write."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import BadReference
from adapterhub.reference import Name, Reference, check_name, folder_or_reference, is_folder, parse

WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_]{0,9}([.-][A-Za-z0-9_]{1,9}){0,3}", fullmatch=True)
PINS = st.one_of(st.none(), WORDS, st.from_regex(r"sha256:[0-9a-f]{8,64}", fullmatch=True))
REFERENCES = st.builds(Reference, st.builds(Name, WORDS, WORDS), PINS, st.none() | WORDS)


@given(REFERENCES)
def test_what_is_written_is_read_again(reference: Reference) -> None:
    assert parse(str(reference)) == reference


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with suppress(BadReference):
        assert str(parse(text)) == text


BAD = {
    "": "there is no '/' in it",
    "poet": "there is no '/' in it",
    "a/b/c": "'b/c' is not a name",
    "/poet": "'' is not a namespace",
    "ada/": "'' is not a name",
    "ada/po et": "'po et' is not a name",
    "ada/poet@": "'' is no version, alias or digest",
    "ada/poet@..": "'..' is no version, alias or digest",
    "ada/poet@1@2": "'1@2' is no version, alias or digest",
    "ada/poet@sha256:abc": "'sha256:abc' is no version, alias or digest",
    "ada/poet@sha256:ABCDEF01": "'sha256:ABCDEF01' is no version, alias or digest",
    "../etc/passwd": "'..' is not a namespace",
    "ada/../../etc": "'../../etc' is not a name",
    "ada/po--et": "'po--et' is not a name",
    "ada/po..et": "'po..et' is not a name",
    "ada/.poet": "'.poet' is not a name",
    "ada/poet\n": "'poet\\n' is not a name",
    "ada/po\x00et": "'po\\x00et' is not a name",
    ":ada/poet": "'' is not a remote",
    "a:b:ada/poet": "'a:b' is not a remote",
    "ada/" + "p" * 97: "p' is not a name",
    "ada/poët": "'poët' is not a name",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_reference_says_what_was_read_and_what_to_write(text: str) -> None:
    with pytest.raises(BadReference) as refusal:
        parse(text)
    assert str(refusal.value).startswith(f"cannot read the reference {text!r}: ")
    assert BAD[text] in str(refusal.value)
    assert "for example ada/poet or team:ada/poet@1.2.0" in refusal.value.hint


@pytest.mark.parametrize("word", ["a/b", "", "a b", "-a", "hub+http://team"])
def test_a_word_that_stands_alone_is_not_called_a_reference(word: str) -> None:
    with pytest.raises(BadReference, match=f"^{re.escape(repr(word))} is not a remote$") as refusal:
        check_name(word, "remote")
    assert "no slash" in refusal.value.hint


@pytest.mark.parametrize("word", ["/runs", "./run", "../run", "~", "~/run", ".", ".."])
def test_a_word_that_looks_like_a_path_is_a_folder(word: str) -> None:
    assert is_folder(word)
    assert folder_or_reference(word) == Path(word).expanduser()


def test_a_word_without_a_dot_is_a_reference_even_where_a_folder_of_that_name_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ada" / "poet").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert folder_or_reference("ada/poet") == parse("ada/poet")


@pytest.mark.parametrize("word", ["~nobody-of-that-name/run", "~a\0b/run", "~\ud800/run"], ids=ascii)
def test_the_home_of_nobody_is_a_bad_reference(word: str) -> None:
    with pytest.raises(BadReference, match="/run: there is no such user") as refusal:
        folder_or_reference(word)
    assert refusal.value.hint


def test_a_name_that_exists_is_well_formed() -> None:
    with pytest.raises(BadReference):
        Name("ada", "../poet")

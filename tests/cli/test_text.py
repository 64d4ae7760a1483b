"""Text for people."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.cli.text import clean, cut, paint, screen, wide
from adapterhub.readable import size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2e9, "2.0 GB"),
        (9e15, "9000.0 TB"),
    ],
)
def test_sizes_are_in_the_unit_a_person_would_choose(count, text):
    assert size(count) == text


@given(st.text())
def test_clean_text_is_always_printable(text):
    assert clean(text).isprintable()


@given(st.text(), st.integers(1, 40))
def test_cut_text_fits(text, columns):
    assert wide(cut(text, columns)) <= columns


def test_a_wide_letter_takes_two_columns_and_an_accent_none():
    assert (wide("模型"), wide("e\u0301"), wide("é")) == (4, 1, 1)


def test_what_is_no_terminal_gets_no_colour_and_no_width():
    assert paint("error", "error", io.StringIO()) == "error"
    assert screen(io.StringIO()) is None


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours_unless_the_user_wants_none(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert paint("error", "error", Terminal()) == "\x1b[31merror\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("error", "error", Terminal()) == "error"

"""How data is spoken of in errors: some of many, and what was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["meant", "some"]


def some(things: Iterable[object], most: int = 20) -> str:
    """The first of many, and how many are left out.

    >>> some("abcd", most=3)
    'a, b, c and 1 more'
    """
    words = [str(thing) for thing in things]
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def meant(word: str, known: Iterable[str]) -> str:
    """A question for a word that is close to a known one, else nothing.

    >>> meant("lable", ["text", "label"]), meant("x", ["text", "label"])
    ("did you mean 'label'?", '')
    """
    close = get_close_matches(word, list(known), n=2)
    return f"did you mean {' or '.join(map(repr, close))}?" if close else ""

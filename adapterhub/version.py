"""Version labels: opaque words; without one, the next integer.

version := [A-Za-z0-9] [A-Za-z0-9._-]*        at most 96 characters
"""

import re
from collections.abc import Iterable

from adapterhub.errors import BadReference

__all__ = ["check_label", "is_label", "is_older", "next_integer"]

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def is_label(text: str) -> bool:
    """Whether a word can be a version or an alias."""
    return LABEL.fullmatch(text) is not None and ".." not in text


def check_label(text: str, what: str = "version") -> str:
    """The same word, or `BadReference`.

    >>> check_label("1.2.0-rc1")
    '1.2.0-rc1'
    """
    if not is_label(text):
        raise BadReference(
            f"not a valid {what}: {text!r}",
            hint=f"a valid {what}: letters, digits, '.', '_', '-'; first a letter or digit, as in 1, 1.2.0, prod",
        )
    return text


def is_older(label: str, other: str) -> bool:
    """Whether the numbers in a label come before those in another; how versions are written is everybody's own.

    >>> is_older("1.9", "1.10"), is_older("2", "1"), is_older("calm", "nightly")
    (True, False, False)
    """
    one, two = ([int(number) for number in re.findall("[0-9]+", word)] for word in (label, other))
    return one < two


def next_integer(labels: Iterable[str]) -> str:
    """One more than the largest whole number among the labels, or 1.

    >>> next_integer(["1", "2", "nightly"])
    '3'
    """
    taken = set(labels)
    # Longer numbers are no counters (a date with a time, a hash), and one more than 99…9 would be no label.
    counters = (int(label) for label in taken if label.isascii() and label.isdigit() and len(label) < 19)
    number = max(counters, default=0) + 1
    while str(number) in taken:
        number += 1
    return str(number)

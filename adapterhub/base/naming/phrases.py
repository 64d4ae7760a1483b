"""Phrases of a name: words between dots, `{}` for a number. One phrase may stand for another."""

import re
from collections.abc import Callable, Mapping
from typing import final

__all__ = ["Rewrite", "change", "joined"]

Rewrite = Callable[[str], str]

NUMBER = re.compile(r"(?<![^.])[0-9]+(?![^.])")


@final
class Phrases:
    """Rewrites the first phrase in a name that the table knows; of those that begin there the longest."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self.table = table
        longest_first = sorted(table, key=len, reverse=True)
        known = "|".join(re.escape(phrase).replace(r"\{\}", "[0-9]+") for phrase in longest_first)
        self.pattern = re.compile(rf"(?<![^.])(?:{known})(?![^.])")

    def __call__(self, name: str) -> str:
        found = self.pattern.search(name)
        if found is None:
            return name
        phrase, numbers = NUMBER.sub("{}", found[0]), NUMBER.findall(found[0])
        return name[: found.start()] + self.table[phrase].format(*numbers) + name[found.end() :]


def change(table: Mapping[str, str]) -> Rewrite:
    """What rewrites a name by a table of phrases.

    >>> change({"encoder.layer.{}": "layers.{}"})("vit.encoder.layer.11.output.dense")
    'vit.layers.11.output.dense'
    """
    return Phrases(table)


def joined(first: Rewrite, second: Rewrite) -> Rewrite:
    """One after the other."""
    return lambda name: second(first(name))

"""The grammar of `search --where`.

where      := all { "or" all }
all        := one { "and" one }
one        := "not" one | "(" where ")" | comparison
comparison := field operator value
operator   := "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~"      ~ means: contains
value      := a number (see number), a word, or a text between quotes
field      := one of FIELDS or WORDS; every other field is a metric

rank>=8 and (accuracy>0.9 or tag=prod) and not base~llama
"""

import re
from dataclasses import dataclass
from typing import final

from adapterhub.errors import BadReference
from adapterhub.number import number

__all__ = ["ENUMERATED", "FIELDS", "WORDS", "All", "Comparison", "Either", "Not", "Where", "fields", "parse"]

FIELDS = (
    "reference", "adapter", "namespace", "name", "version", "digest", "time", "kind", "format", "type", "rank", "alpha",
    "dtype", "task", "base", "parameters", "bytes", "health", "license",
)  # fmt: skip
"""Facts of an entry, one value each."""

ENUMERATED = ("kind", "format", "type", "dtype", "task", "health", "license")
"""Facts whose values are words out of a short list: upper and lower case count as the same."""

WORDS = ("tag", "target", "alias")
"""What an entry has any number of: a comparison holds where one of them is so, `!=` where none is."""

TOKEN = re.compile(r"\s*(?:(?P<op>[<>!=]=|[=<>~()])|(?P<text>\"[^\"]*\"|'[^']*')|(?P<word>[^\s<>=!~()\"']+))")
OPERATORS = ("=", "==", "!=", "<", "<=", ">", ">=", "~")
DEEPEST = 20
"""Levels: the stack of SQLite's parser is full at 28 of them."""

MOST = 400
"""Comparisons: SQLite nests those that are joined, and refuses more than 1000 levels."""

HINT = "write comparisons joined by and, or, not: rank>=8 and accuracy>0.9; task=CAUSAL_LM; base~llama; tag='to keep'"


@final
@dataclass(frozen=True)
class Comparison:
    """A field compared with a value as it was written: only the field tells whether 1.10 is a number or a version."""

    field: str
    operator: str
    value: str

    @property
    def number(self) -> float | None:
        """The value as a number, if it is one."""
        value = number(self.value)
        return None if value is None else float(value)


@final
@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: "tuple[Where, ...]"


@final
@dataclass(frozen=True)
class Either:
    """At least one part holds."""

    parts: "tuple[Where, ...]"


@final
@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: "Where"


Where = Comparison | All | Either | Not


def parse(text: str) -> Where:
    """Read a condition.

    >>> parse("not rank>=8")
    Not(part=Comparison(field='rank', operator='>=', value='8'))
    """
    reader = _Reader(text)
    where = reader.where()
    if reader.tokens:
        raise reader.error(f"{reader.tokens[0]!r} is left over")
    return where


def fields(where: Where) -> set[str]:
    """Every field a condition compares.

    >>> sorted(fields(parse("rank>=8 and not (tag=prod or loss<1)")))
    ['loss', 'rank', 'tag']
    """
    match where:
        case Comparison(field):
            return {field}
        case Not(part):
            return fields(part)
        case _:
            return set().union(*map(fields, where.parts))


@final
class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.depth, self.count, at = text, 0, 0, 0
        self.tokens: list[str] = []
        while at < len(text.rstrip()):
            if not (found := TOKEN.match(text, at)):
                raise self.error(f"cannot read {text[at:]!r}")
            self.tokens.append(found.group().strip())
            at = found.end()

    def error(self, what: str) -> BadReference:
        return BadReference(f"cannot read the condition {self.text!r}: {what}", hint=HINT)

    def next(self, what: str) -> str:
        if not self.tokens:
            raise self.error(f"{what} is missing at the end")
        return self.tokens.pop(0)

    def joined(self, word: str) -> bool:
        if self.tokens and self.tokens[0].lower() == word:
            self.tokens.pop(0)
            return True
        return False

    def where(self) -> Where:
        parts = [self.all()]
        while self.joined("or"):
            parts.append(self.all())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def all(self) -> Where:
        parts = [self.one()]
        while self.joined("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def one(self) -> Where:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"more than {DEEPEST} levels")
        where = self.part()
        self.depth -= 1
        return where

    def part(self) -> Where:
        if self.joined("not"):
            return Not(self.one())
        if self.joined("("):
            inner = self.where()
            if self.next("')'") != ")":
                raise self.error("')' is missing")
            return inner
        return self.comparison()

    def comparison(self) -> Comparison:
        self.count += 1
        if self.count > MOST:
            raise self.error(f"more than {MOST} comparisons")
        field, operator, value = self.next("a field"), self.next("an operator"), self.next("a value")
        if operator not in OPERATORS:
            raise self.error(f"{operator!r} is no operator")
        if field[0] in "\"'" or value in OPERATORS or value in "()":
            raise self.error(f"{field} {operator} {value} is no comparison")
        return Comparison(field, operator, value[1:-1] if value[0] in "\"'" else value)

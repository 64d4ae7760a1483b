"""Which engines read what otherwise than PEFT does: a data file of the package, each row with its source.

A row holds for versions from `since` on, the oldest that was read, and before `before`; both may be open. `feature` is
a row of `FEATURES`, told where the adapter has more than `over` of it. `effect` is what the engine does: refuse it,
leave it out, or read something else in it. `cure` says that normal form is read right, always or where all modules have
one rank. What is `quiet` is told only to those who ask about the engine.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, final

from adapterhub.errors import WrongUsage

__all__ = ["Engine", "Misreader", "Misreaders", "misreaders", "parse_engine"]

FILE = Path(__file__).with_name("misreaders.json")
VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@final
@dataclass(frozen=True, kw_only=True)
class Misreader:
    """One way in which one engine misreads one feature."""

    engine: str
    since: str = ""
    before: str = ""
    feature: str
    over: int = 0
    effect: Literal["refuses", "drops", "misreads"]
    says: str
    cure: Literal["", "normal-form", "one-rank"] = ""
    remedy: str = ""
    quiet: bool = False
    source: str
    read: str

    def holds(self, version: str) -> bool:
        """Whether the row speaks of this version of the engine; of no version in particular every row does."""
        if not version:
            return True
        number = _number(version)
        return (not self.since or number >= _number(self.since)) and (not self.before or number < _number(self.before))


@final
@dataclass(frozen=True)
class Known:
    """An engine: what people call it, and whether it does nothing but generate text."""

    called: str
    generates: bool = False


@final
@dataclass(frozen=True)
class Misreaders:
    """The file: the engines, and the rows."""

    engines: dict[str, Known]
    rows: tuple[Misreader, ...]


@final
@dataclass(frozen=True)
class Engine:
    """An engine somebody asks about, `vllm` or `vllm@0.30.0`."""

    name: str
    version: str = ""

    def rows(self) -> Iterator[Misreader]:
        """What it misreads."""
        return (row for row in misreaders().rows if row.engine == self.name and row.holds(self.version))


def parse_engine(word: str) -> Engine:
    """Read the name of an engine and perhaps its version; `WrongUsage` for what is not known.

    >>> parse_engine("vllm@0.30.0").version
    '0.30.0'
    """
    name, _, version = word.partition("@")
    if name not in misreaders().engines or (version and not VERSION.match(version)):
        raise WrongUsage(
            f"{word}: no engine that is known, or no version",
            hint=f"write one of {', '.join(misreaders().engines)}, with @VERSION after it if you like: vllm@0.30.0",
        )
    return Engine(name, version)


@cache
def misreaders() -> Misreaders:
    """The file, read once, and trusted: it is the package's own, and a test validates it.

    Building a validator takes longer than a whole audit.
    """
    said = json.loads(FILE.read_bytes())
    engines = {name: Known(**known) for name, known in said["engines"].items()}
    return Misreaders(engines, tuple(Misreader(**row) for row in said["rows"]))


def _number(version: str) -> tuple[int, ...]:
    """The numbers before any word, without zeros at their end.

    >>> _number("0.5.12.post1"), _number("0.30.0") == _number("0.30")
    ((0, 5, 12), True)
    """
    found = VERSION.match(version)
    numbers = [int(number) for number in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)

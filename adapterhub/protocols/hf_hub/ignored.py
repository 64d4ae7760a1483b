"""Which files a repository's .gitignore keeps out of an upload. A Hub decides this for its clients, by the file at the
root alone; people rely on it to keep their secrets.

rule    := [ "!" ] [ "/" ] pattern [ "/" ]       the last that matches counts; "!" lets in; "/" at the end: a folder
pattern := parts between slashes, each of letters, * ? [a-z] [!a-z] \\letter; ** stands for any folders

Source: https://git-scm.com/docs/gitignore (without the named classes, as [[:alpha:]]).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

from adapterhub.errors import WrongUsage
from adapterhub.protocols.hf_hub.layout import reserved

__all__ = ["Ignored"]

MOST = 1000
"""Rules of a file: each is asked about every file of an upload."""

Test = Callable[[str], bool]
Tests = Sequence[Test | None]
"""What takes one thing each; None takes any number."""


@final
@dataclass(frozen=True)
class _Rule:
    keeps_out: bool
    folders: bool
    path: Tests

    def matches(self, parts: Sequence[str], is_folder: bool) -> bool:
        return (is_folder or not self.folders) and _take(self.path, parts)


@final
@dataclass(frozen=True)
class Ignored:
    """The rules of a .gitignore."""

    rules: tuple[_Rule, ...] = ()
    _folders: dict[tuple[str, ...], bool] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, text: str) -> "Ignored":
        """Those in its text.

        >>> ignored = Ignored.of("*.log\\nrun/\\n!keep.log")
        >>> [ignored.has(path) for path in ("a/b.log", "keep.log", "run/keep.log", "run")]
        [True, False, True, False]
        """
        lines = _bytes(text.removeprefix("\ufeff")).split("\n")
        rules = tuple(rule for line in lines if (rule := _rule(line)))
        if len(rules) > MOST:
            raise WrongUsage(
                f".gitignore: {len(rules)} rules, and at most {MOST} are read", hint="say the same in fewer lines"
            )
        return cls(rules)

    def has(self, path: str) -> bool:
        """Whether a file is kept out: by itself, or by a folder that it lies in. What is ours never is."""
        parts = tuple(_bytes(path).split("/"))
        return bool(self.rules) and not reserved(path) and (self._folder(parts[:-1]) or self._last(parts, False))

    def _folder(self, parts: tuple[str, ...]) -> bool:
        if parts not in self._folders:
            self._folders[parts] = bool(parts) and (self._folder(parts[:-1]) or self._last(parts, True))
        return self._folders[parts]

    def _last(self, parts: Sequence[str], is_folder: bool) -> bool:
        """What the last rule says that matches."""
        return next((rule.keeps_out for rule in reversed(self.rules) if rule.matches(parts, is_folder)), False)


def _bytes(text: str) -> str:
    """A text whose letters are the bytes of another: `?` is one byte to git."""
    return text.encode(errors="replace").decode("latin-1")


def _rule(line: str) -> _Rule | None:
    """A line's rule; None for what is none: a comment, nothing, or a pattern that can match no path."""
    line = line.removesuffix("\r")
    text = line.rstrip(" ")
    if len(line) > len(text) and (len(text) - len(text.rstrip("\\"))) % 2:  # the first of the spaces is meant
        text += " "
    if text.startswith("#"):
        return None
    pattern = text.removeprefix("!")
    bare = pattern.removesuffix("/")
    parts = bare.removeprefix("/").split("/")
    path = [_part(part) for part in parts]
    if not bare or not all(path):
        return None
    if "/" not in bare:
        path = [[None], path[0] if parts != ["**"] else [_anything]]
    elif parts[-1] == "**":
        path.append([_anything])  # inside of the folder, and not the folder
    return _Rule(pattern == text, pattern != bare, [one for each in path for one in each or ()])


def _part(part: str) -> Tests:
    """What takes the names that a part of a pattern means; nothing where there can be none."""
    if part == "**":
        return [None]
    tests = _letters(part)
    return [partial(_take, tests)] if tests else ()


def _letters(part: str) -> list[Test | None]:
    """What takes the letters of such a name."""
    found: list[Test | None] = []
    at = 0
    while at < len(part):
        letter, at = part[at], at + 1
        if letter == "[":
            test, at = _set(part, at)
            if test is None:
                return []
            found.append(test)
            continue
        if letter == "\\":
            if at == len(part):
                return []
            letter, at = part[at], at + 1
            found.append(letter.__eq__)
        else:
            found.append({"*": None, "?": _anything}.get(letter, letter.__eq__))
    return found


def _set(part: str, at: int) -> tuple[Test | None, int]:
    """What takes one letter of a set that begins at a place, and where it has ended; None where it never does."""
    other = part[at : at + 1] in ("!", "^")
    at += other
    ranges: list[tuple[str, str]] = []
    while at < len(part) and (part[at] != "]" or not ranges):
        first, at = _letter(part, at)
        last = first
        if part[at : at + 1] == "-" and part[at + 1 : at + 2] not in ("", "]"):
            last, at = _letter(part, at + 1)
        ranges += (first, first), (first, last)  # to git the first is meant also where a range runs backwards
    if at >= len(part):
        return None, at
    return lambda letter: any(first <= letter <= last for first, last in ranges) != other, at + 1


def _letter(part: str, at: int) -> tuple[str, int]:
    """A letter of a set, and where the next one begins."""
    at += part[at] == "\\"
    return part[at : at + 1], at + 1


def _anything(_: str) -> bool:
    return True


def _take(tests: Tests, things: Sequence[Any]) -> bool:
    """Whether the tests take all things, in their order. Only the last star is tried again, so no pattern is slow."""
    test = thing = again = 0
    star = -1
    while thing < len(things):
        wanted = tests[test] if test < len(tests) else _nothing
        if wanted is None:
            star, again, test = test, thing, test + 1
        elif wanted(things[thing]):
            test, thing = test + 1, thing + 1
        elif star >= 0:
            again += 1
            test, thing = star + 1, again
        else:
            return False
    return all(wanted is None for wanted in tests[test:])


def _nothing(_: str) -> bool:
    return False

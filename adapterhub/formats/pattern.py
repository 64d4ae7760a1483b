"""Regular expressions from foreign configs, matched so that none of them can hang us.

    regex  := branch { "|" branch }
    branch := { atom [ ("*" | "+" | "?" | "{" m [ "," [ n ] ] "}") [ "?" ] ] }
    atom   := "(" [ "?:" | "?P<name>" ] regex ")" | "[" class "]" | "\\" escape | "." | "^" | "$" | character

Python's `re` goes back on its steps, and `(a+)+$` makes it do so 2ⁿ times. Here all ways to read a text are followed at
once (Thompson 1968), in time proportional to the text times the pattern. What the grammar above does not have (look
around, back references) is `Unreadable`.
"""

import re
import string
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NoReturn, final

__all__ = ["Pattern", "Unreadable", "compile_pattern"]

LONGEST, DEEPEST, MOST_STATES, MOST_TIMES, LONGEST_TEXT = 2000, 40, 2000, 200, 1000

Test = Callable[[str], bool]


class Unreadable(ValueError):
    """A pattern outside the grammar, or too large."""


@dataclass(frozen=True)
class _Node:
    """A piece of syntax: one character, a place, a sequence, a choice, or a repetition of its only part."""

    kind: str
    parts: tuple["_Node", ...] = ()
    test: Test | None = None
    place: str = ""
    least: int = 0
    most: int | None = None


@final
@dataclass
class _Parser:
    text: str
    at: int = 0
    depth: int = 0

    def fail(self, why: str) -> NoReturn:
        raise Unreadable(f"{why} at character {self.at} of {self.text[:60]!r}")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def regex(self) -> _Node:
        branches = [self.branch()]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.branch())
        return branches[0] if len(branches) == 1 else _Node("choice", tuple(branches))

    def branch(self) -> _Node:
        parts: list[_Node] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.atom()))
        return _Node("sequence", tuple(parts))

    def repeated(self, atom: _Node) -> _Node:
        match = re.compile(r"(?:([*+?])|\{(\d{1,4})(,?)(\d{0,4})\})\??").match(self.text, self.at)
        if match is None:
            return atom
        self.at = match.end()
        if self.peek() in ("*", "+", "?") and self.peek():
            self.fail("a repetition of a repetition")
        sign, low, comma, high = match.groups()
        least = int(low) if low else int(sign == "+")
        most = {"?": 1}.get(sign) if sign else int(high) if high else None if comma else least
        if max(least, most or 0) > MOST_TIMES or (most is not None and most < least):
            self.fail(f"more than {MOST_TIMES} repetitions, or fewer than none")
        return _Node("repeat", (atom,), least=least, most=most)

    def atom(self) -> _Node:
        char = self.peek()
        if char == "(":
            return self.group()
        if char in "*+?":
            self.fail("nothing to repeat")
        self.at += 1
        if char in "^$":
            return _Node("place", place=char)
        if char == ".":
            return _Node("char", test=lambda c: c != "\n")
        if char == "\\":
            return self.escape()
        return self.klass() if char == "[" else _Node("char", test=char.__eq__)

    def group(self) -> _Node:
        opening = re.compile(r"\((?:\?:|\?P<\w+>|(?!\?))").match(self.text, self.at)
        if opening is None or self.depth == DEEPEST:
            self.fail("a group that is not read here")
        self.at, self.depth = opening.end(), self.depth + 1
        inside = self.regex()
        if self.peek() != ")":
            self.fail("a group without an end")
        self.at, self.depth = self.at + 1, self.depth - 1
        return inside

    def escape(self) -> _Node:
        char = self.peek()
        self.at += 1
        if char in ("b", "B", "A", "Z"):
            return _Node("place", place={"A": "^", "Z": "$"}.get(char, char))
        if not char or char.isdigit() or (char.isalpha() and char not in "dDsSwW"):
            self.fail("an escape that is not read here")
        return _Node("char", test=_one("\\" + char))

    def klass(self) -> _Node:
        end = re.compile(r"\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL).match(self.text, self.at)
        if end is None:
            self.fail("a class without an end")
        self.at = end.end()
        return _Node("char", test=_one("[" + end[0]))


def _one(token: str) -> Test:
    """A test for one character, by a token that stands for exactly one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(token)
    except re.error as error:
        raise Unreadable(f"{error} in {token[:60]!r}") from None
    return lambda char: compiled.fullmatch(char) is not None


@dataclass
class _State:
    """One step: a character to read, a place to be in, or (with neither) a fork."""

    test: Test | None = None
    place: str = ""
    next: list[int] = field(default_factory=list)


@final
class Pattern:
    """A readable pattern; `slow` if Python's `re` could take exponential time over it."""

    def __init__(self, tree: _Node) -> None:
        self._states: list[_State] = [_State()]  # the first is the end
        self._start = self._emit(tree, 0)
        self.slow = _is_slow(tree)

    def fullmatch(self, text: str) -> bool:
        """Whether the pattern is the whole text, as `re.fullmatch` has it."""
        return self._run(text, {0})

    def ends(self, path: str) -> bool:
        r"""Whether the pattern is the path or its end after a dot: `(.*\.)?(pattern)$`."""
        return self._run(path, {0} | {i + 1 for i, char in enumerate(path) if char == "."})

    def _add(self, state: _State) -> int:
        if len(self._states) >= MOST_STATES:
            raise Unreadable(f"a pattern of more than {MOST_STATES} steps")
        self._states.append(state)
        return len(self._states) - 1

    def _emit(self, node: _Node, after: int) -> int:
        """The first state of a node whose last leads to `after`."""
        if node.kind in ("char", "place"):
            return self._add(_State(node.test, node.place, [after]))
        if node.kind == "choice":
            return self._add(_State(next=[self._emit(part, after) for part in node.parts]))
        if node.kind == "repeat":
            return self._emit_repeat(node, after)
        for part in reversed(node.parts):
            after = self._emit(part, after)
        return after

    def _emit_repeat(self, node: _Node, after: int) -> int:
        (part,) = node.parts
        if node.most is None:
            loop = _State(next=[after])
            first = self._add(loop)
            loop.next.append(self._emit(part, first))
        else:
            first = after
            for _ in range(node.most - node.least):
                first = self._add(_State(next=[after, self._emit(part, first)]))
        for _ in range(node.least):
            first = self._emit(part, first)
        return first

    def _run(self, text: str, starts: set[int]) -> bool:
        if len(text) > LONGEST_TEXT:
            return False
        current: set[int] = set()
        for at in range(len(text) + 1):
            if at in starts:
                self._enter([self._start], text, at, current)
            if at == len(text):
                break
            following: set[int] = set()
            for state in (self._states[number] for number in current):
                if state.test is not None and state.test(text[at]):
                    self._enter(state.next, text, at + 1, following)
            current = following
        return 0 in current

    def _enter(self, numbers: Iterable[int], text: str, at: int, into: set[int]) -> None:
        """Add these states, and those that follow without reading anything."""
        waiting = list(numbers)
        while waiting:
            number = waiting.pop()
            if number in into:
                continue
            into.add(number)
            state = self._states[number]
            if state.test is None and (not state.place or _stands(state.place, text, at)):
                waiting.extend(state.next)


def _stands(place: str, text: str, at: int) -> bool:
    if place in "^$":
        return at == (0 if place == "^" else len(text))
    word = [re.match(r"\w", char) is not None for char in (text[at - 1 : at] if at else "", text[at : at + 1])]
    return (word[0] != word[1]) == (place == "b")


def _is_slow(node: _Node) -> bool:
    """Whether something endless lies in something endless, or an endless choice has two ways to begin."""
    if node.kind == "repeat" and node.most is None and (_is_endless(node.parts[0]) or _is_double(node.parts[0])):
        return True
    return any(_is_slow(part) for part in node.parts)


def _is_endless(node: _Node) -> bool:
    return (node.kind == "repeat" and node.most is None) or any(_is_endless(part) for part in node.parts)


def _is_double(node: _Node) -> bool:
    if node.kind == "sequence" and len(node.parts) == 1:
        return _is_double(node.parts[0])
    beginnings = [_first(part) for part in node.parts] if node.kind == "choice" else []
    return any(sum(test(char) for test in beginnings if test) > 1 for char in string.printable)


def _first(node: _Node) -> Test | None:
    return node.test if node.test or not node.parts else _first(node.parts[0])


def compile_pattern(text: str) -> Pattern:
    """Read a pattern; `Unreadable` if it is not in the grammar.

    >>> compile_pattern(r"layers\\.[0-9]+\\.(q|v)_proj").ends("model.layers.11.v_proj")
    True
    """
    if len(text) > LONGEST:
        raise Unreadable(f"a pattern of {len(text)} characters, at most {LONGEST} are read")
    parser = _Parser(text)
    tree = parser.regex()
    if parser.at != len(text):
        parser.fail("a ')' that closes nothing")
    return Pattern(tree)

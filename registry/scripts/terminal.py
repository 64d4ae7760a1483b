"""A terminal that shows what it does: commands as they are typed with their real output, and Python as it runs."""

import inspect
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, final

__all__ = ["WIDTH", "Terminal"]

WIDTH = 100

T = TypeVar("T")


@final
@dataclass(frozen=True)
class Terminal:
    """Prints at most `WIDTH` columns. Commands run with this environment."""

    environment: Mapping[str, str]

    def title(self, text: str) -> None:
        """A line across, with a heading in it."""
        print(f"── {text} {'─' * (WIDTH - len(text) - 4)}\n", flush=True)

    def say(self, text: str) -> None:
        """A paragraph, and an empty line after it."""
        print(f"{textwrap.fill(text, WIDTH)}\n", flush=True)

    def export(self, name: str, value: str) -> "Terminal":
        """Set a variable for the commands to come."""
        print(f"$ export {name}={shlex.quote(value)}", flush=True)
        return replace(self, environment={**self.environment, name: value})

    def command(self, *words: str, code: int = 0) -> None:
        """Run `adapterhub` with these words; any other exit code than `code` ends the walk."""
        for line in _folded(["$", "adapterhub", *map(shlex.quote, words)]):
            print(line, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "adapterhub", *words],
            check=False,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in done.stdout.splitlines():
            print("\n".join(_wrapped(line)))
        if done.returncode:
            print(f"(exit code {done.returncode})")
        print(flush=True)
        if done.returncode != code:
            raise SystemExit(f"the walk ends here: exit code {done.returncode}, expected {code}")

    def python(self, function: Callable[..., T], *hidden: Any, **shown: Any) -> T:
        """Call a function after printing its body, and above it the values of its keyword arguments."""
        for name, value in shown.items():
            print(textwrap.indent("\n".join(_assignment(name, value)), "    "))
        print(textwrap.indent(_body(function), "    "), flush=True)
        print(flush=True)
        return function(*hidden, **shown)


def _folded(words: Sequence[str]) -> Iterator[str]:
    """A command over as many lines as it needs."""
    line = ""
    for word in words:
        if line and len(line) + len(word) + 3 > WIDTH:
            yield f"{line} \\"
            line = f"      {word}"
        else:
            line = f"{line} {word}" if line else word
    yield line


def _wrapped(line: str) -> list[str]:
    """A line over as many as it needs, the later ones a little further in."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    if len(line) <= WIDTH:
        return [line]
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, drop_whitespace=True)


def _assignment(name: str, value: Any) -> list[str]:
    text = f"{name} = {value!r}"
    return textwrap.wrap(text, WIDTH - 4, subsequent_indent=" " * (len(name) + 4), break_long_words=False)


def _body(function: Callable[..., Any]) -> str:
    """The lines of a function after its docstring of one line."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    start = next(place for place, line in enumerate(lines) if '"""' in line) + 1
    body = [line for line in lines[start:] if not line.lstrip().startswith("return ")]
    return textwrap.dedent("\n".join(body))

"""The options that every command takes, before or after its words, and the run they describe."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, final

from adapterhub.errors import WrongUsage
from adapterhub.system import naming

if TYPE_CHECKING:
    from adapterhub.hub import Hub

__all__ = ["CONTEXT", "EVERYWHERE", "Run", "run_of", "take"]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
EVERYWHERE = {
    "--json": "Print one JSON document, except with --help and --version; all else goes to standard error.",
    "--store PATH": "The store to work on; else $ADAPTERHUB_HOME.",
    "--offline": "Ask nothing of the network.",
    "--debug": "Show the traceback of an error.",
}
FLAGS = ("--json", "--offline", "--debug")
Answer = TypeVar("Answer")


@final
@dataclass(frozen=True)
class Run:
    """What holds for one run of the command line."""

    json: bool = False
    store: str | None = None
    offline: bool = False
    debug: bool = False

    def hub(self) -> "Hub":
        """The store this run works on."""
        from adapterhub.hub import Hub

        return Hub.open(self.store, offline=self.offline)

    def answer(self, value: Answer, human: Callable[[Answer], None]) -> None:
        """Print a result: as one JSON document if that was asked for, else for people."""
        from adapterhub.cli import output

        with naming("standard output"):
            if self.json:
                output.print_json(value)
            else:
                human(value)
            if sys.stdout is not None:
                sys.stdout.flush()


def run_of(ctx: Any) -> Run:
    """The run a command is part of, from typer's context."""
    run = ctx.obj
    assert isinstance(run, Run)
    return run


def take(words: list[str]) -> tuple[Run, list[str]]:
    """Take the options of every command out of the words, wherever they stand; after `--` nothing is an option.

    >>> take(["list", "--json", "--store=/x", "--", "--json"])
    (Run(json=True, store='/x', offline=False, debug=False), ['list', '--', '--json'])
    """
    flags, store, rest, queue = set[str](), None, list[str](), iter(words)
    for word in queue:
        if word == "--":
            rest += [word, *queue]
        elif word in FLAGS:
            flags.add(word)
        elif word == "--store":
            store = _path(next(queue, ""))
        elif word.startswith("--store="):
            store = _path(word.removeprefix("--store="))
        elif word.startswith("-") and "/" in word.partition("=")[0] and word[1] not in "- ":
            raise WrongUsage(
                f"{word}: neither an option nor an expression: no space after the minus",
                hint=f"write '- {word[1:]}', or {word[1:]!r} without the minus",
            )
        else:
            # An expression may begin with a minus between spaces; typer would read "- ada/rude*0.2" as an option.
            rest.append(f" {word}" if word.startswith("- ") else word)
    return Run("--json" in flags, store, "--offline" in flags, "--debug" in flags), rest


def _path(word: str) -> str:
    if not word or word.startswith("--"):
        raise WrongUsage("--store: the path is missing", hint="write --store PATH, for example --store ./my-store")
    return word

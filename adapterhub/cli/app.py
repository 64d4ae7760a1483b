"""`adapterhub`: one light table of commands, each read from its own file when it is asked for.

A new command is one line here and one file in `commands/` with `EXAMPLES` and a function `command`, whose docstring
begins with the line of the table. A group of commands (`remote add`) is one file with a table of its own.
"""

import io
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

# Before pydantic is imported: looking for its plugins reads the metadata of every package that is installed.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

import typer
from typer.core import TyperGroup

from adapterhub.cli import faults, options
from adapterhub.cli.grammar import Group, one_command

__all__ = ["ALIASES", "COMMANDS", "GROUPS", "SECTIONS", "main", "root"]

SECTIONS = {
    "In and out": {
        "add": "Put a folder or a file into the store, as a version of a name.",
        "scan": "Find every adapter below a folder, and add them all if asked.",
        "export": "Write an entry into a folder, byte for byte as it came or in normal form.",
        "path": "Print a read-only folder with an entry's files, for other tools.",
    },
    "Look": {
        "list": "List every version of every adapter.",
        "search": "Find entries by text, base, target or a condition.",
        "show": "Show all that is known of an entry or a folder.",
        "log": "Show what happened: who published, moved or removed what.",
    },
    "Keep house": {
        "alias": "Point an alias such as `prod` at a version.",
        "tag": "Tag an entry, or take tags away.",
        "note": "Write down what you want to remember of an entry.",
        "pin": "Note which base an entry was trained on.",
        "remove": "Take a version's name away.",
        "check": "Read every byte of the store and name what is damaged.",
        "sweep": "Free the bytes that no name needs any more.",
        "catalog": "Write catalog.json, for web sites that cannot list a folder.",
    },
    "Move": {
        "pull": "Fetch entries from another registry into the store.",
        "push": "Send entries from the store to another registry.",
        "remote": "Name, list, try and forget other registries.",
    },
    "Serve": {
        "serve": "Serve the store to others, in the protocol of the Hugging Face Hub.",
        "token": "Say who may use the server, and for what.",
    },
    "Bases and fit": {
        "base": "Keep base cards: who a base model is, without its weights.",
        "audit": "Say which adapter fits which base, and why not.",
        "compare": "Say how alike adapters are, and what merging them would lose.",
    },
    "Compose": {
        "merge": "Put several adapters together into a new one, with the error printed.",
        "fuse": "Write a base with adapters in its weights, as a plain checkpoint.",
        "extract": "Make an adapter out of what differs between two checkpoints.",
    },
    "Train and measure": {
        "train": "Train an adapter: rows in, an entry with its metrics out.",
        "eval": "Measure an adapter on rows, and note it.",
        "compress": "Prune a model, put it into eight bits, and tell what it lost.",
    },
    "For programs": {
        "schema": "Print the JSON Schemas of the documents.",
    },
}
COMMANDS = {name: line for section in SECTIONS.values() for name, line in section.items()}
ALIASES = {"ls": "list", "rm": "remove", "gc": "sweep", "fsck": "check"}
GROUPS = ("remote", "base", "token")


class Commands(Mapping[str, Any]):
    """The table as typer wants it: looking a command up reads its file."""

    def __getitem__(self, word: str) -> Any:
        name = ALIASES.get(word, word)
        if name not in COMMANDS:
            raise KeyError(word)
        module = import_module(f"adapterhub.cli.commands.{name}")
        if name in GROUPS:
            return Group.of(name, COMMANDS[name], module.COMMANDS)
        return one_command(name, module.command, module.EXAMPLES)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Root(Group):
    """The first word after `adapterhub`. Its help is written from the table, without reading a command."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Commands()  # type: ignore[assignment]

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a reader that has gone away ends it quietly (typer would call that a fault)."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(faults.CLOSED) from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table, section by section."""
        for title, lines in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(8), line) for name, line in lines.items()])


def print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"adapterhub {version('adapterhub')}")
        raise typer.Exit


def root() -> TyperGroup:
    """The whole command line as typer sees it."""
    app = typer.Typer(cls=Root, rich_markup_mode=None, context_settings=options.CONTEXT)

    @app.callback(epilog="`adapterhub COMMAND --help` has the rest, with examples.")
    def adapterhub(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=print_version)
        ] = False,
    ) -> None:
        """Keep, move, audit, compose and train LoRA adapters."""

    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    return command


def main() -> None:
    """Run the command line and leave with its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    code = faults.guarded(run, sys.argv[1:])
    # Flushed here, because a reader that has gone away would otherwise be met while Python shuts down.
    try:
        if sys.stdout is not None:  # it may have been closed before the start
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = faults.CLOSED
    _leave(code)


def _leave(code: int) -> None:
    """End. One of several processes ends at once: gloo's threads let go of Python's objects while it shuts down, and
    abort what has done its work. So does one that was interrupted or has failed while threads of it are at work, since
    Python would wait for them, and they may wait for a server."""
    world = sys.modules.get("torch.distributed")
    is_one = world is not None and world.is_available() and world.is_initialized()
    if is_one or (code and sum(not thread.daemon for thread in threading.enumerate()) > 1):
        if sys.stderr is not None:
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(words: list[str]) -> int:
    """Run one command and return its exit code; errors are raised."""
    this_run, rest = options.take(words)
    return root().main(rest, "adapterhub", standalone_mode=False, obj=this_run) or 0

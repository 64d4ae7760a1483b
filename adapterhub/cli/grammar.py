"""How a function becomes a command of typer, with help for people: examples, and the options every command takes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from adapterhub.cli.options import CONTEXT, EVERYWHERE

__all__ = ["Command", "Group", "Row", "one_command", "write_everywhere"]

Row = tuple[Callable[..., None], Sequence[str]]
"""A command of a group: its function and its examples."""


def write_everywhere(formatter: Any) -> None:
    """The section of a help text that is the same in every command."""
    with formatter.section("Everywhere"):
        formatter.write_dl(list(EVERYWHERE.items()))


class Command(TyperCommand):
    """A command whose help ends with the options of every command and with examples, each on a line of its own."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The usage line, its arguments as the command's own metavars write them."""
        return ["[OPTIONS]", *(param.metavar or param.name.upper() for param in _arguments(self, ctx))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The command's own arguments and options, then those of every command."""
        if arguments := [(param.metavar or param.name.upper(), param.help or "") for param in _arguments(self, ctx)]:
            with formatter.section("Arguments"):
                formatter.write_dl(arguments)
        options = [param for param in self.get_params(ctx) if param.param_type_name == "option"]
        with formatter.section("Options"):
            formatter.write_dl([record for param in options if (record := param.get_help_record(ctx))])
        write_everywhere(formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The examples, unwrapped, so that they can be copied."""
        with formatter.section("Examples"):
            for example in (self.epilog or "").splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class Group(TyperGroup):
    """Commands under one word; the word alone prints what there is."""

    @classmethod
    def of(cls, name: str, line: str, commands: Mapping[str, Row]) -> TyperGroup:
        """The group of some functions; `line` says what they are for."""
        app = typer.Typer(cls=cls, help=line, add_completion=False, rich_markup_mode=None, context_settings=CONTEXT)
        for word, (function, examples) in commands.items():
            _register(app, word, function, examples)
        group = typer.main.get_command(app)
        assert isinstance(group, TyperGroup)
        group.name = name
        return group

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words after the group's; none means that help is wanted."""
        return super().parse_args(ctx, args or ["--help"])

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The commands before the options: they are what a reader looks for."""
        self.format_commands(ctx, formatter)
        TyperCommand.format_options(self, ctx, formatter)  # type: ignore[arg-type]
        write_everywhere(formatter)


def _arguments(command: Command, ctx: Any) -> list[Any]:
    return [param for param in command.get_params(ctx) if param.param_type_name == "argument"]


def one_command(name: str, function: Callable[..., None], examples: Sequence[str]) -> Any:
    """The typer command of one function."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=CONTEXT)
    _register(app, name, function, examples)
    return typer.main.get_command(app)


def _register(app: typer.Typer, name: str, function: Callable[..., None], examples: Sequence[str]) -> None:
    app.command(name, cls=Command, epilog="\n".join(examples), context_settings=CONTEXT)(function)

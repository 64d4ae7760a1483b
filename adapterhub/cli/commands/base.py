"""`adapterhub base`: base cards."""

from typing import Annotated

from typer import Argument, Context

from adapterhub.cli import cards
from adapterhub.cli.grammar import Row
from adapterhub.cli.options import run_of

Name = Annotated[str, Argument(metavar="B", help="A base card's name, a ./folder, or an entry of kind model.")]


def add(ctx: Context, base: Name) -> None:
    """Read a checkpoint and keep its card: shapes and digests, no weights."""
    run = run_of(ctx)
    run.answer(run.hub().base_add(base), cards.print_base)


def listing(ctx: Context) -> None:
    """List the bases that have a card."""
    run = run_of(ctx)
    run.answer(run.hub().base_list(), cards.print_bases)


def show(ctx: Context, base: Name) -> None:
    """Show a base card."""
    run = run_of(ctx)
    run.answer(run.hub().base_show(base), cards.print_base)


def diff(ctx: Context, one: Name, other: Name) -> None:
    """Say which tensors of two bases differ, and how."""
    run = run_of(ctx)
    run.answer(run.hub().base_diff(one, other), cards.print_difference)


COMMANDS: dict[str, Row] = {
    "add": (add, ("adapterhub base add ./llama", "adapterhub base add ada/llama@1")),
    "list": (listing, ("adapterhub base list",)),
    "show": (show, ("adapterhub base show ./llama",)),
    "diff": (diff, ("adapterhub base diff ./llama ./llama-tuned",)),
}

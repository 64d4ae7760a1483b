"""`adapterhub base`: base cards."""

from typing import Annotated

from typer import Argument, Context

from adapterhub.cli import cards
from adapterhub.cli.grammar import Row
from adapterhub.cli.options import session_of

Name = Annotated[
    str, Argument(metavar="B", help="A base card's name, a ./folder, an entry of kind model, or hf:org/name.")
]


def add(ctx: Context, base: Name) -> None:
    """Read a checkpoint and keep its card: shapes and digests, no weights."""
    session = session_of(ctx)
    session.answer(session.hub().base_add(base), cards.print_base)


def listing(ctx: Context) -> None:
    """List the bases that have a card."""
    session = session_of(ctx)
    session.answer(session.hub().base_list(), cards.print_bases)


def show(ctx: Context, base: Name) -> None:
    """Show a base card."""
    session = session_of(ctx)
    session.answer(session.hub().base_show(base), cards.print_base)


def diff(ctx: Context, one: Name, other: Name) -> None:
    """Say which tensors of two bases differ, and how."""
    session = session_of(ctx)
    session.answer(session.hub().base_diff(one, other), cards.print_difference)


COMMANDS: dict[str, Row] = {
    "add": (add, ("adapterhub base add ./llama", "adapterhub base add hf:org/name")),
    "list": (listing, ("adapterhub base list",)),
    "show": (show, ("adapterhub base show ./llama",)),
    "diff": (diff, ("adapterhub base diff ./llama ./llama-tuned",)),
}

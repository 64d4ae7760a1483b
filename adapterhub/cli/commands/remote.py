"""`adapterhub remote`: the other registries this store knows."""

from typing import Annotated

from typer import Argument, Context

from adapterhub.cli import moves
from adapterhub.cli.grammar import Row
from adapterhub.cli.options import run_of
from adapterhub.cli.text import clean

Name = Annotated[str, Argument(metavar="NAME", help="What you call it: team, origin …")]


def add(
    ctx: Context,
    name: Name,
    url: Annotated[
        str,
        Argument(
            metavar="URL",
            help="A folder (./team, file:///srv/team), https://site with a store's tree, a Hub (hub+https://host), "
            "or a bucket (s3://bucket/prefix).",
        ),
    ],
) -> None:
    """Give another registry a name."""
    run = run_of(ctx)
    run.answer(run.hub().remote_add(name, url), moves.print_remote)


def listing(ctx: Context) -> None:
    """List the registries that have a name."""
    run = run_of(ctx)
    run.answer(run.hub().remote_list(), moves.print_remotes)


def remove(ctx: Context, name: Name) -> None:
    """Forget a registry's name. What lies there stays."""
    run = run_of(ctx)
    run.answer(run.hub().remote_remove(name), lambda remote: print(clean(f"forgot {remote.name}, {remote.url}")))


def test(ctx: Context, name: Name) -> None:
    """Try whether a registry answers, and what may be done there."""
    run = run_of(ctx)
    run.answer(run.hub().remote_test(name), moves.print_remote)


COMMANDS: dict[str, Row] = {
    "add": (
        add,
        (
            "adapterhub remote add team file:///srv/adapters",
            "adapterhub remote add origin https://example.org/adapters",
            "adapterhub remote add team hub+https://adapters.example.org",
        ),
    ),
    "list": (listing, ("adapterhub remote list",)),
    "remove": (remove, ("adapterhub remote remove team",)),
    "test": (test, ("adapterhub remote test team",)),
}

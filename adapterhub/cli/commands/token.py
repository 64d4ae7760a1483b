"""`adapterhub token`: who may use this store's server."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import served
from adapterhub.cli.grammar import Row
from adapterhub.cli.options import run_of


def create(
    ctx: Context,
    name: Annotated[str, Argument(metavar="NAME", help="Whose it is, or what it is for: ada, ci …")],
    role: Annotated[
        str,
        Option("--role", metavar="ROLE", help="read (what is private), write, or admin (delete, move, make public)."),
    ] = "read",
    namespace: Annotated[
        list[str] | None, Option("--namespace", metavar="N", help="Only in this namespace; may be repeated.")
    ] = None,
    expires: Annotated[
        str | None, Option("--expires", metavar="WHEN", help="12h, 30d, 8w, 1y or a day; without it, never.")
    ] = None,
) -> None:
    """Make a token, and print it this once."""
    run = run_of(ctx)
    run.answer(run.hub().token_create(name, role, namespaces=namespace or (), expires=expires), served.print_made)


def listing(ctx: Context) -> None:
    """List all tokens, without what is secret."""
    run = run_of(ctx)
    run.answer(run.hub().token_list(), served.print_tokens)


def revoke(ctx: Context, token: Annotated[str, Argument(metavar="NAME", help="The token's name or its id.")]) -> None:
    """End a token. A server that runs knows it at once."""
    run = run_of(ctx)
    run.answer(run.hub().token_revoke(token), served.print_token)


COMMANDS: dict[str, Row] = {
    "create": (
        create,
        (
            "adapterhub token create ada --role write --namespace ada",
            "adapterhub token create ci --role read --expires 30d",
        ),
    ),
    "list": (listing, ("adapterhub token list",)),
    "revoke": (revoke, ("adapterhub token revoke ci",)),
}

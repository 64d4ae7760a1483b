"""`adapterhub alias`: a moving name for a version."""

from typing import Annotated

from typer import Argument, Context, Option

from adapterhub.cli import rows
from adapterhub.cli.options import run_of
from adapterhub.cli.words import Reference

EXAMPLES = ("adapterhub alias ada/poet@3 prod", "adapterhub alias ada/poet@4 prod --expect 3")


def command(
    ctx: Context,
    reference: Reference,
    alias: Annotated[str, Argument(metavar="ALIAS", help="A word that is no version of this adapter.")],
    expect: Annotated[
        str | None, Option(metavar="V", help="Move it only if it means this version now ('' for none), else exit 9.")
    ] = None,
) -> None:
    """Point an alias such as `prod` at a version.

    Two people who move it at the same time: one wins, the other gets a conflict (exit 9). In a remote, also back to an
    older version, it is moved by `adapterhub push ada/poet@3 --alias prod`.
    """
    run = run_of(ctx)
    pointed = rows.named(run.hub().alias(reference, alias, expect))
    run.answer({"alias": alias, **pointed}, lambda answer: print(f"{alias} → {answer['reference']}"))

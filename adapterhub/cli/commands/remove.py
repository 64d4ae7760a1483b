"""`adapterhub remove`: a name goes, its bytes stay until a sweep."""

from typing import Annotated

from typer import Context, Option

from adapterhub.cli import rows
from adapterhub.cli.options import run_of
from adapterhub.cli.words import Reference

EXAMPLES = ("adapterhub remove ada/poet@2", "adapterhub remove ada/poet --all")


def command(
    ctx: Context,
    reference: Reference,
    everything: Annotated[bool, Option("--all", help="Remove every version of the name.")] = False,
) -> None:
    """Take a version's name away.

    Its bytes stay until `adapterhub sweep`, and longer where another name needs them.
    """
    run = run_of(ctx)
    removed = [rows.named(listed) for listed in run.hub().remove(reference, everything=everything)]
    run.answer(removed, lambda rows: print(*(f"removed {row['reference']}" for row in rows), sep="\n"))

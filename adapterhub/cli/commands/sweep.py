"""`adapterhub sweep`: free what nobody names."""

from typing import Annotated

from typer import Context, Option

from adapterhub.cli import deeds
from adapterhub.cli.options import run_of

EXAMPLES = ("adapterhub sweep", "adapterhub sweep --grace 0")


def command(
    ctx: Context,
    grace: Annotated[
        float | None,
        Option(metavar="SECONDS", help="Spare what is younger than this; else an hour."),
    ] = None,
) -> None:
    """Free the bytes that no name needs any more."""
    run = run_of(ctx)
    run.answer(run.hub().sweep(grace), deeds.print_swept)

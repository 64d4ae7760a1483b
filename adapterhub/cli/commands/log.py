"""`adapterhub log`: what happened."""

from typing import Annotated

from typer import Argument, Context

from adapterhub.cli import deeds
from adapterhub.cli.options import run_of

EXAMPLES = ("adapterhub log", "adapterhub log ada/poet")


def command(
    ctx: Context,
    reference: Annotated[str | None, Argument(metavar="[REF]", help="Only what happened to this name.")] = None,
) -> None:
    """Show what happened: who published, moved or removed what."""
    run = run_of(ctx)
    run.answer(run.hub().log(reference), deeds.print_events)

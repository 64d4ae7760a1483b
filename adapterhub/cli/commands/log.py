"""`adapterhub log`: what happened."""

from typing import Annotated

from typer import Argument, Context

from adapterhub.cli import deeds
from adapterhub.cli.options import session_of

EXAMPLES = ("adapterhub log", "adapterhub log ada/poet")


def command(
    ctx: Context,
    reference: Annotated[str | None, Argument(metavar="[REF]", help="Only what happened to this name.")] = None,
) -> None:
    """Show what happened: who published, moved or removed what."""
    session = session_of(ctx)
    session.answer(session.hub().log(reference), deeds.print_events)

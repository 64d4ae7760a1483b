"""`adapterhub export`: an entry becomes a folder."""

from typing import Annotated

from typer import Argument, Context

from adapterhub.cli import deeds
from adapterhub.cli.options import run_of
from adapterhub.cli.words import Word

EXAMPLES = ("adapterhub export ada/poet ./poet", "adapterhub export ada/poet@prod /srv/models/poet")


def command(
    ctx: Context,
    reference: Word,
    folder: Annotated[str, Argument(metavar="FOLDER", help="A folder that is new or empty.")],
) -> None:
    """Write an entry into a folder, byte for byte as it came.

    Every file is checked against its digest while it is written; a damaged entry writes nothing (exit 5).
    """
    run = run_of(ctx)
    run.answer(run.hub().export(reference, folder), deeds.print_exported)

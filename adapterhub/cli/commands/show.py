"""`adapterhub show`: all that is known of an entry."""

from typer import Context

from adapterhub.cli import sheet
from adapterhub.cli.options import run_of
from adapterhub.cli.words import Word

EXAMPLES = ("adapterhub show ada/poet", "adapterhub show ada/poet@sha256:1f2e3d4c", "adapterhub show ./out")


def command(ctx: Context, reference: Word) -> None:
    """Show all that is known of an entry or a folder.

    A folder is read as `add` would read it, and nothing is stored.
    """
    run = run_of(ctx)
    run.answer(run.hub().show(reference), sheet.print_shown)

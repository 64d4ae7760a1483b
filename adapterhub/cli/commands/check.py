"""`adapterhub check`: is the store intact?"""

from typing import Annotated

from typer import Context, Exit, Option

from adapterhub.cli import deeds
from adapterhub.cli.options import run_of
from adapterhub.cli.progress import line
from adapterhub.errors import Corrupt

EXAMPLES = ("adapterhub check", "adapterhub check --repair")


def command(
    ctx: Context,
    repair: Annotated[bool, Option("--repair", help="Fetch, rebuild or set aside what is damaged.")] = False,
) -> None:
    """Read every byte of the store and name what is damaged.

    Exit 5 when something is, and every entry that needs it is named.
    """
    run = run_of(ctx)
    with line("reading") as progress:
        checked = run.hub().check(repair=repair, progress=progress)
    run.answer(checked, deeds.print_check)
    if not checked.ok:
        raise Exit(Corrupt.code)
